import { Buffer, isAscii } from 'node:buffer';
import { buffered, type Charset, charsetNamed, decodeFaithfully, isAsciiText } from '../charset.ts';
import { partOf } from '../segment/part.ts';
import { DEFAULT_DELIMITERS, type Delimiters, delimitersAt } from './delimiters.ts';

/** Why a message is refused or questionable, as an acknowledgement reports it. */
export interface Hl7Problem {
  /** HL7 table 0357. */
  readonly code: string;
  readonly text: string;
  /** `reject`: AR, nothing in it can be used; `error`: AE. */
  readonly answer: 'reject' | 'error';
  readonly segment?: string | undefined;
  /** Which segment of that name, from 1. */
  readonly segmentIndex?: number | undefined;
  readonly field?: number | undefined;
}

/** When a sender wants to be answered: MSH-15 and MSH-16, table 0155. */
export type AcknowledgementCondition = 'AL' | 'NE' | 'ER' | 'SU';

/**
 * The content of the header segment, read without looking at the rest. Each value is parsed when it
 * is asked for: most readers want two or three.
 */
export class Hl7Header {
  readonly kind: 'message' | 'batch' | 'none';
  readonly delimiters: Delimiters;
  /** The fields of the segment as bytes decoded as ISO-8859-1, from 0 (its name); field n of MSH is at n − 1. */
  readonly slots: readonly string[];
  /** Why the message cannot be accepted; the other values are then what could be read. */
  readonly problem: Hl7Problem | undefined;

  constructor(
    kind: Hl7Header['kind'],
    slots: readonly string[],
    delimiters: Delimiters,
    problem: Hl7Problem | undefined,
  ) {
    this.kind = kind;
    this.slots = slots;
    this.delimiters = delimiters;
    this.problem = problem;
  }

  /** `HL7v2:ADT_A01:2.5.1`: MSH-9.1 `_` MSH-9.2, MSH-12. */
  get type(): string {
    const { messageType, event, version } = this;
    const name = event === '' ? messageType : `${messageType}_${event}`;
    return `HL7v2${name === '' ? '' : ':'}${name}${version === '' ? '' : ':'}${version}`;
  }

  /** MSH-9.1 */
  get messageType(): string {
    return this.#word(9, 1);
  }

  /** MSH-9.2 */
  get event(): string {
    return this.#word(9, 2);
  }

  /** MSH-9.3 */
  get structure(): string {
    return this.#word(9, 3);
  }

  /** MSH-12.1 */
  get version(): string {
    return this.#word(12, 1);
  }

  get controlId(): string {
    return this.#text(this.#controlIdField);
  }

  /** MSH-10 byte for byte: what MSA-2 repeats. */
  get controlIdBytes(): Uint8Array {
    return Buffer.from(this.#raw(this.#controlIdField), 'latin1');
  }

  /** The same, decoded as ISO-8859-1. */
  get controlIdSlot(): string {
    return this.#raw(this.#controlIdField);
  }

  get sendingApplication(): string {
    return this.#text(3);
  }

  get sendingFacility(): string {
    return this.#text(4);
  }

  get receivingApplication(): string {
    return this.#text(5);
  }

  get receivingFacility(): string {
    return this.#text(6);
  }

  get processingId(): string {
    return this.#word(11, 1);
  }

  /** MSH-15; undefined if empty, which means original mode if MSH-16 is also empty. */
  get acceptAck(): AcknowledgementCondition | undefined {
    return condition(this.#own(15));
  }

  get applicationAck(): AcknowledgementCondition | undefined {
    return condition(this.#own(16));
  }

  /** The message is an answer itself and must never be answered. */
  get isAcknowledgement(): boolean {
    const { messageType } = this;
    return messageType === 'ACK' || messageType === 'MCF';
  }

  /** MSH-18 as written, `''` if empty. */
  get charsetName(): string {
    return charsetNameIn(this.#own(18), this.delimiters);
  }

  /** Undefined if MSH-18 is empty or not supported. */
  get charset(): Charset | undefined {
    return charsetOf(this.charsetName);
  }

  get #controlIdField(): number {
    return this.kind === 'batch' ? 11 : 10;
  }

  #raw(field: number): string {
    return this.slots[field - 1] ?? '';
  }

  /** BHS and FHS share fields 3 to 7 with MSH; 9 to 18 mean something else. */
  #own(field: number): string {
    return this.kind === 'message' ? this.#raw(field) : '';
  }

  #word(field: number, component: number): string {
    return word(partOf(this.#own(field), this.delimiters.component, component));
  }

  #text(field: number): string {
    const slot = this.#raw(field);
    return isAsciiText(slot)
      ? slot
      : decodeFaithfully(Buffer.from(slot, 'latin1'), this.charset).text;
  }
}

const HEADER_LIMIT = 64 * 1024;
const CONDITIONS: ReadonlySet<string> = new Set(['AL', 'NE', 'ER', 'SU']);

/** Reads the header of a message or batch. Never throws: errors are in its `problem`. */
export function hl7Header(bytes: Uint8Array): Hl7Header {
  const buffer = buffered(bytes);
  const text = headerText(buffer);
  const start = headerStart(text);
  if (start < 0) return new Hl7Header('none', [], DEFAULT_DELIMITERS, notHl7(buffer, text));
  const kind = text.startsWith('MSH', start) ? 'message' : 'batch';
  const delimiters = delimitersAt(text, start);
  if (delimiters === undefined) {
    return new Hl7Header('message', [], DEFAULT_DELIMITERS, {
      code: '102',
      text: 'Invalid encoding characters',
      answer: 'reject',
      segment: 'MSH',
      field: 2,
    });
  }
  const slots = text.slice(start).split(delimiters.field);
  return new Hl7Header(kind, slots, delimiters, kind === 'message' ? missing(slots) : undefined);
}

/** Those of the first segment, without reading more of it; the usual ones where it has none that can be used. */
export function declaredDelimiters(bytes: Uint8Array): Delimiters {
  const text = headerText(buffered(bytes));
  const start = headerStart(text);
  return (start < 0 ? undefined : delimitersAt(text, start)) ?? DEFAULT_DELIMITERS;
}

/** The charset that MSH-18 declares, and its name as written. */
export function declaredCharset(buffer: Buffer): { name: string; charset: Charset | undefined } {
  const text = headerText(buffer);
  const start = headerStart(text);
  const delimiters = start < 0 ? undefined : delimitersAt(text, start);
  if (delimiters === undefined || !text.startsWith('MSH', start)) {
    return { name: '', charset: undefined };
  }
  const name = charsetNameIn(partOf(text, delimiters.field, 18), delimiters);
  return { name, charset: charsetOf(name) };
}

/** Where MSH, BHS or FHS begins, after a BOM, blanks or a block start; -1 if something else comes first. */
export function headerStart(text: string): number {
  let start = text.charCodeAt(0) === 0xef && text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  while (start < text.length && isBlank(text.charCodeAt(start))) start++;
  const named =
    text.startsWith('MSH', start) || text.startsWith('BHS', start) || text.startsWith('FHS', start);
  return named ? start : -1;
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xfeff;
}

/** The first segment, in ISO-8859-1, including leading blanks and line ends. */
function headerText(buffer: Buffer): string {
  const text = buffer.toString('latin1', 0, 512);
  const end = endOfLine(text);
  if (end >= 0 || buffer.length <= 512) return end < 0 ? text : text.slice(0, end);
  const more = buffer.toString('latin1', 0, HEADER_LIMIT);
  const later = endOfLine(more);
  return later < 0 ? more : more.slice(0, later);
}

function endOfLine(text: string): number {
  const start = Math.max(headerStart(text), 0);
  const cr = text.indexOf('\r', start);
  // behind it nothing is looked for
  const lf = (cr < 0 ? text : text.slice(0, cr)).indexOf('\n', start);
  return lf < 0 ? cr : lf;
}

function notHl7(buffer: Buffer, text: string): Hl7Problem {
  if (text.trim() === '') return { code: '100', text: 'Empty message', answer: 'reject' };
  const utf16 = /^(?:\u00ff\u00fe|\u00fe\u00ff|\0[^\0]|[^\0]\0)/.test(
    buffer.toString('latin1', 0, 2),
  );
  return {
    code: '100',
    text: `Message does not start with MSH${utf16 ? ' (UTF-16?)' : ''}`,
    answer: 'reject',
    segment: 'MSH',
  };
}

function missing(slots: readonly string[]): Hl7Problem | undefined {
  const field = [9, 10].find((n) => (slots[n - 1] ?? '').trim() === '');
  if (field === undefined) return undefined;
  return {
    code: '101',
    text: `MSH-${field} missing`,
    answer: 'reject',
    segment: 'MSH',
    segmentIndex: 1,
    field,
  };
}

const WORD = /^[\w.-]{0,20}$/;

/** Used in message headers and metric labels: only letters, digits and `_.-` are kept. */
function word(text: string): string {
  return WORD.test(text) ? text : text.replaceAll(/[^\w.-]/g, '').slice(0, 20);
}

function condition(slot: string): AcknowledgementCondition | undefined {
  const value = slot.trim().toUpperCase();
  return CONDITIONS.has(value) ? (value as AcknowledgementCondition) : undefined;
}

function charsetNameIn(slot: string, { repetition }: Delimiters): string {
  return partOf(slot, repetition, 1).trim();
}

/** The one looked for last: senders name the same in every message. */
let latest: { readonly name: string; readonly charset: Charset | undefined } | undefined;

function charsetOf(name: string): Charset | undefined {
  if (name === '') return undefined;
  if (latest?.name !== name) latest = { name, charset: hl7Charset(name) };
  return latest.charset;
}

/** The entries of HL7 table 0211 that are not IANA names. */
const TABLE_0211: Readonly<Record<string, string>> = {
  'UNICODE UTF-8': 'utf-8',
  UNICODE: 'utf-8',
  'ISO IR6': 'us-ascii',
  'GB 18030-2000': 'gb18030',
  'KS X 1001': 'euc-kr',
  'BIG-5': 'big5',
};

const ISO_8859 = /^(?:ISO[ _-]?)?8859[-/](\d{1,2})$/i;

/**
 * The charset that a value of MSH-18 names, by table 0211 (`8859/1`, `UNICODE UTF-8`) or IANA.
 * Undefined for unsupported ones, such as UTF-16 and the ISO 2022 family.
 */
export function hl7Charset(name: string): Charset | undefined {
  const trimmed = name.trim();
  const part = ISO_8859.exec(trimmed)?.[1];
  if (part !== undefined) return charsetNamed(`iso-8859-${part}`);
  return charsetNamed(TABLE_0211[trimmed.toUpperCase()] ?? trimmed);
}

/** The MSH-18 for text in this charset: the name of table 0211, or the IANA name if it has none. */
export function hl7CharsetName({ name }: Charset): string {
  const part = /^iso-8859-(\d+)$/i.exec(name)?.[1];
  if (part !== undefined) return `8859/${part}`;
  if (name.toLowerCase() === 'us-ascii') return 'ASCII';
  const found = Object.entries(TABLE_0211).find(([, iana]) => iana === name.toLowerCase());
  return found?.[0] ?? name.toUpperCase();
}

/** Whether an HL7 version is earlier than another: `isBefore('2.3.1', '2.5')`. Parts that are not numbers count as 0. */
export function isBefore(version: string, other: string): boolean {
  const [one, two] = [numbers(version), numbers(other)];
  for (let at = 0; at < 3; at++) {
    const difference = (one[at] ?? 0) - (two[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}

/**
 * What a listener checks of the whole message before it accepts it: an unsupported charset, bytes
 * that do not fit the declared one, more than one MSH. Not called for batches.
 */
export function hl7BodyProblem(bytes: Uint8Array, header: Hl7Header): Hl7Problem | undefined {
  const buffer = buffered(bytes);
  return charsetProblem(buffer, header) ?? severalMessages(buffer, header);
}

function charsetProblem(buffer: Buffer, header: Hl7Header): Hl7Problem | undefined {
  if (header.charsetName === '') return undefined;
  const where = { answer: 'error', segment: 'MSH', segmentIndex: 1, field: 18 } as const;
  const name = header.charsetName.replaceAll(/[^\w ./-]/g, '?').slice(0, 40);
  if (header.charset === undefined) {
    return { code: '103', text: `MSH-18 ${name} not supported`, ...where };
  }
  if (isAscii(buffer)) return undefined;
  const { invalidAt } = decodeFaithfully(buffer, header.charset);
  if (invalidAt === undefined) return undefined;
  return { code: '102', text: `Invalid byte at offset ${invalidAt} for ${name}`, ...where };
}

function severalMessages(buffer: Buffer, header: Hl7Header): Hl7Problem | undefined {
  const mark = `MSH${header.delimiters.field}`;
  // line ends before the first segment belong to no segment
  const first = buffer.indexOf(mark, 0, 'latin1');
  let count = 1;
  let byLf: boolean | undefined;
  for (let at = first; at >= 0; ) {
    at = buffer.indexOf(mark, at + 1, 'latin1');
    const before = at < 0 ? undefined : buffer[at - 1];
    if (before === 10 && buffer[at - 2] !== 13) byLf ??= endsWithLf(buffer, first);
    if (before === 13 || (before === 10 && (buffer[at - 2] === 13 || byLf === true))) count++;
  }
  if (count === 1) return undefined;
  return {
    code: '100',
    text: `${count} MSH segments in one frame`,
    answer: 'error',
    segment: 'MSH',
    segmentIndex: 2,
  };
}

/** Whether LF ends segments: if the first line ends with it. Otherwise it is part of a value. */
function endsWithLf(buffer: Buffer, start: number): boolean {
  const cr = buffer.indexOf(13, start);
  const lf = buffer.indexOf(10, start);
  return lf >= 0 && (cr < 0 || lf < cr);
}
