import { OWN_CLASS_UID, OWN_VERSION } from 'waybill/document';
import { APPLICATION_CONTEXT } from './uids.ts';

/** The units that DICOM's upper layer exchanges over TCP (PS3.8 9.3). */

export const PDU = {
  associateRequest: 1,
  associateAccept: 2,
  associateReject: 3,
  data: 4,
  releaseRequest: 5,
  releaseReply: 6,
  abort: 7,
} as const;

/** The longest data unit that we ask for, and that we send to a peer that names none. */
export const OWN_LENGTH = 128 * 1024;
/** The longest unit of any kind that is read: a request names up to 128 classes. */
export const UNIT_LIMIT = 512 * 1024;
/** The fields of a data unit besides the data. */
const VALUE_HEAD = 6;

/** How much data a peer accepts in a unit, by the length it names; 0 means no limit. */
export function mostData(maxLength: number): number {
  return Math.max(64, Math.min(maxLength || OWN_LENGTH, OWN_LENGTH) - VALUE_HEAD);
}

/** A unit as received. */
export interface RawPdu {
  readonly type: number;
  readonly body: Buffer;
}

/** What one side offers: objects of a class, in any of these encodings. */
export interface ProposedContext {
  /** Odd, from 1 to 255. */
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
}

export const CONTEXT_RESULT = {
  accepted: 0,
  userRejected: 1,
  noReason: 2,
  noAbstractSyntax: 3,
  noTransferSyntax: 4,
} as const;

export interface JudgedContext {
  readonly id: number;
  readonly result: number;
  /** The chosen encoding, if it was accepted. */
  readonly transferSyntax: string;
}

/** Name and password of the caller that opens an association (PS3.7 D.3.3.7). */
export interface UserIdentity {
  readonly user: string;
  readonly password: string;
}

export interface AssociateRequest {
  readonly called: string;
  readonly calling: string;
  readonly contexts: readonly ProposedContext[];
  /** The longest P-DATA-TF that this side accepts; 0 means no limit. */
  readonly maxLength: number;
  readonly identity?: UserIdentity | undefined;
}

export interface AssociateAccept {
  readonly contexts: readonly JudgedContext[];
  readonly maxLength: number;
  /** The peer has checked the identity. */
  readonly identityConfirmed?: boolean;
}

/** Why an association was refused (PS3.8 9.3.4). */
export interface Rejection {
  /** 1 for good, 2 for now. */
  readonly result: number;
  readonly source: number;
  readonly reason: number;
}

/** A part of a command or of a data set. */
export interface DataValue {
  readonly context: number;
  readonly isCommand: boolean;
  readonly isLast: boolean;
  readonly data: Buffer;
}

/** Not DICOM, or against its rules. */
export class ProtocolError extends Error {}

const PDU_HEADER = 6;

/** Cuts a stream of bytes into units, whatever the chunks. Throws ProtocolError for anything else. */
export class PduReader {
  readonly #limit: number;
  #held: Buffer[] = [];
  #size = 0;
  /** How many bytes are needed to go on: a header, or a whole unit. */
  #needed = PDU_HEADER;

  /** `limit`: the longest unit that is accepted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A unit that is whole in the chunk is a view of it; of one that began before, only its own bytes are copied. */
  push(chunk: Buffer): RawPdu[] {
    const found: RawPdu[] = [];
    let left = chunk;
    for (;;) {
      if (this.#size > 0) left = this.#complete(left);
      if (this.#size === 0 && left.length >= PDU_HEADER) {
        this.#needed = PDU_HEADER + this.#lengthIn(left);
      }
      const isHeld = this.#size > 0;
      if ((isHeld ? this.#size : left.length) < this.#needed) break;
      const unit = isHeld ? this.#joined() : left.subarray(0, this.#needed);
      if (!isHeld) left = left.subarray(this.#needed);
      found.push({ type: unit.readUInt8(0), body: unit.subarray(PDU_HEADER) });
      this.#held = [];
      this.#size = 0;
      this.#needed = PDU_HEADER;
    }
    if (left.length > 0) this.#hold(left);
    return found;
  }

  /** Takes what a unit that began before still lacks, its header first; returns the rest. */
  #complete(chunk: Buffer): Buffer {
    let left = chunk;
    for (;;) {
      const more = left.subarray(0, this.#needed - this.#size);
      if (more.length > 0) this.#hold(more);
      left = left.subarray(more.length);
      if (this.#size < this.#needed || this.#needed > PDU_HEADER) return left;
      const length = this.#lengthIn(this.#joined());
      if (length === 0) return left;
      this.#needed += length;
    }
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#size += bytes.length;
  }

  #lengthIn(bytes: Buffer): number {
    const type = bytes.readUInt8(0);
    const length = bytes.readUInt32BE(2);
    if (type < PDU.associateRequest || type > PDU.abort) {
      throw new ProtocolError('what it sends is no DICOM');
    }
    if (length > this.#limit) {
      throw new ProtocolError(`it sends a unit of ${length} bytes, more than was agreed`);
    }
    return length;
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#held;
    const whole = this.#held.length === 1 ? first : Buffer.concat(this.#held, this.#size);
    this.#held = [whole];
    return whole;
  }
}

function pdu(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = Buffer.alloc(PDU_HEADER);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(length, 2);
  return Buffer.concat([head, ...parts]);
}

function item(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = Buffer.alloc(4);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([head, ...parts]);
}

const ITEM = {
  applicationContext: 0x10,
  proposed: 0x20,
  judged: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  user: 0x50,
  maxLength: 0x51,
  classUid: 0x52,
  version: 0x55,
  identity: 0x58,
  identityReply: 0x59,
} as const;

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const counted = (value: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, value]);
};

/** Protocol version 1, and the names of both sides, 16 characters each. */
function opening({ called, calling }: Pick<AssociateRequest, 'called' | 'calling'>): Buffer {
  const head = Buffer.alloc(68);
  head.writeUInt16BE(1, 0);
  head.write(called.padEnd(16), 4, 16, 'latin1');
  head.write(calling.padEnd(16), 20, 16, 'latin1');
  return head;
}

function userItem(maxLength: number, ...more: readonly Buffer[]): Buffer {
  return item(
    ITEM.user,
    item(ITEM.maxLength, uint32(maxLength)),
    item(ITEM.classUid, text(OWN_CLASS_UID)),
    item(ITEM.version, text(OWN_VERSION)),
    ...more,
  );
}

/** Name and password, asking for confirmation that they were checked. */
function identityItem({ user, password }: UserIdentity): Buffer {
  const head = Buffer.from([2, 1]);
  return item(
    ITEM.identity,
    head,
    counted(Buffer.from(user, 'utf8')),
    counted(Buffer.from(password, 'utf8')),
  );
}

export function associateRequest(request: AssociateRequest): Buffer {
  const { contexts, maxLength, identity } = request;
  return pdu(
    PDU.associateRequest,
    opening(request),
    item(ITEM.applicationContext, text(APPLICATION_CONTEXT)),
    ...contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
      item(
        ITEM.proposed,
        Buffer.from([id, 0, 0, 0]),
        item(ITEM.abstractSyntax, text(abstractSyntax)),
        ...transferSyntaxes.map((uid) => item(ITEM.transferSyntax, text(uid))),
      ),
    ),
    userItem(maxLength, ...(identity === undefined ? [] : [identityItem(identity)])),
  );
}

export function associateAccept(
  request: Pick<AssociateRequest, 'called' | 'calling'>,
  { contexts, maxLength, identityConfirmed = false }: AssociateAccept,
): Buffer {
  return pdu(
    PDU.associateAccept,
    opening(request),
    item(ITEM.applicationContext, text(APPLICATION_CONTEXT)),
    ...contexts.map(({ id, result, transferSyntax }) =>
      item(
        ITEM.judged,
        Buffer.from([id, 0, result, 0]),
        item(ITEM.transferSyntax, text(transferSyntax)),
      ),
    ),
    userItem(
      maxLength,
      ...(identityConfirmed ? [item(ITEM.identityReply, counted(Buffer.alloc(0)))] : []),
    ),
  );
}

export function associateReject({ result, source, reason }: Rejection): Buffer {
  return pdu(PDU.associateReject, Buffer.from([0, result, source, reason]));
}

export const releaseRequest = (): Buffer => pdu(PDU.releaseRequest, Buffer.alloc(4));
export const releaseReply = (): Buffer => pdu(PDU.releaseReply, Buffer.alloc(4));

/** `source`: 0 the user of the association, 2 the upper layer, which then gives a reason (PS3.8 9.3.8). */
export function abort(source: 0 | 2, reason = 0): Buffer {
  return pdu(PDU.abort, Buffer.from([0, 0, source, reason]));
}

/** A unit with one value. */
export function dataUnit({ context, isCommand, isLast, data }: DataValue): Buffer {
  const size = data.length;
  const head = Buffer.alloc(12);
  head.writeUInt8(PDU.data, 0);
  head.writeUInt32BE(size + VALUE_HEAD, 2);
  head.writeUInt32BE(size + 2, 6);
  head.writeUInt8(context, 10);
  head.writeUInt8((isCommand ? 1 : 0) | (isLast ? 2 : 0), 11);
  return Buffer.concat([head, data]);
}

/** The parts of commands and data sets in a P-DATA-TF. */
export function dataValues(body: Buffer): DataValue[] {
  const values: DataValue[] = [];
  for (let at = 0; at < body.length; ) {
    if (at + 6 > body.length) throw new ProtocolError('a data unit is cut off');
    const length = body.readUInt32BE(at);
    const end = at + 4 + length;
    if (length < 2 || end > body.length) throw new ProtocolError('a data unit has a wrong length');
    const flags = body.readUInt8(at + 5);
    values.push({
      context: body.readUInt8(at + 4),
      isCommand: (flags & 1) !== 0,
      isLast: (flags & 2) !== 0,
      data: body.subarray(at + 6, end),
    });
    at = end;
  }
  return values;
}

interface Item {
  readonly type: number;
  readonly body: Buffer;
}

function itemsOf(bytes: Buffer): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new ProtocolError('an association item is cut off');
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw new ProtocolError('an association item has a wrong length');
    items.push({ type: bytes.readUInt8(at), body: bytes.subarray(at + 4, end) });
    at = end;
  }
  return items;
}

/** Without the padding of blanks and zeros. */
const trimmed = (bytes: Buffer): string => bytes.toString('latin1').replace(/^ +|[\0 ]+$/g, '');

function contextItems(items: readonly Item[], type: number): readonly Buffer[] {
  return items.filter((one) => one.type === type).map(({ body }) => body);
}

function openingItems(body: Buffer): {
  names: Pick<AssociateRequest, 'called' | 'calling'>;
  items: Item[];
} {
  if (body.length < 68) throw new ProtocolError('its association request is cut off');
  const names = {
    called: trimmed(body.subarray(4, 20)),
    calling: trimmed(body.subarray(20, 36)),
  };
  return { names, items: itemsOf(body.subarray(68)) };
}

const subItems = (items: readonly Item[]): Item[] =>
  contextItems(items, ITEM.user).flatMap((body) => itemsOf(body));

function maxLengthIn(user: readonly Item[]): number {
  const [length] = contextItems(user, ITEM.maxLength);
  return length !== undefined && length.length >= 4 ? length.readUInt32BE(0) : 0;
}

export function readAssociateRequest(body: Buffer): AssociateRequest {
  const { names, items } = openingItems(body);
  const user = subItems(items);
  const contexts = contextItems(items, ITEM.proposed).map((one) => {
    if (one.length < 4) throw new ProtocolError('a presentation context is cut off');
    const parts = itemsOf(one.subarray(4));
    const [abstract = Buffer.alloc(0)] = contextItems(parts, ITEM.abstractSyntax);
    return {
      id: one.readUInt8(0),
      abstractSyntax: trimmed(abstract),
      transferSyntaxes: contextItems(parts, ITEM.transferSyntax).map(trimmed),
    };
  });
  return { ...names, contexts, maxLength: maxLengthIn(user), identity: identityIn(user) };
}

/** Only a name with a password, or a name alone, is read: for other kinds (Kerberos, SAML, JWT) there is no identity. */
function identityIn(user: readonly Item[]): UserIdentity | undefined {
  const [body] = contextItems(user, ITEM.identity);
  if (body === undefined || body.length < 4) return undefined;
  const kind = body.readUInt8(0);
  if (kind !== 1 && kind !== 2) return undefined;
  const nameEnd = 4 + body.readUInt16BE(2);
  const name = body.subarray(4, nameEnd);
  const password = kind === 2 && body.length >= nameEnd + 2 ? body.subarray(nameEnd + 2) : '';
  return { user: name.toString('utf8'), password: password.toString() };
}

export function readAssociateAccept(body: Buffer): AssociateAccept {
  const { items } = openingItems(body);
  const user = subItems(items);
  const contexts = contextItems(items, ITEM.judged).map((one) => {
    if (one.length < 4) throw new ProtocolError('a presentation context is cut off');
    const [syntax = Buffer.alloc(0)] = contextItems(itemsOf(one.subarray(4)), ITEM.transferSyntax);
    return {
      id: one.readUInt8(0),
      result: one.readUInt8(2),
      transferSyntax: trimmed(syntax),
    };
  });
  const identityConfirmed = contextItems(user, ITEM.identityReply).length > 0;
  return { contexts, maxLength: maxLengthIn(user), identityConfirmed };
}

export function readRejection(body: Buffer): Rejection {
  return {
    result: body.at(1) ?? 0,
    source: body.at(2) ?? 0,
    reason: body.at(3) ?? 0,
  };
}
