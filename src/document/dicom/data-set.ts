import { attributeAt } from './attributes.ts';

/** The attributes of an object, or of an item of a sequence (PS3.5 7). */
export interface DataSet {
  readonly attributes: Attribute[];
}

export interface Attribute {
  /** `00100020` */
  readonly tag: string;
  readonly vr: string;
  /** Without its header; of a sequence or of fragments empty. */
  readonly value: Buffer;
  /** Of a sequence. */
  readonly items: DataSet[] | undefined;
  /** Whether it is a sequence that came as a value of unknown type: there are no types inside, so it is written as such. */
  readonly isUnknown?: boolean | undefined;
  /** As it came, header included; undefined once it was changed. */
  readonly raw: Buffer | undefined;
}

/** An attribute that was not read, or is not as it was. */
export interface OwnAttribute extends Attribute {
  value: Buffer;
  raw: Buffer | undefined;
}

/** What attributes of one number and type have in common. */
interface Kind {
  readonly tag: string;
  readonly vr: string;
  /** How long the header is; 0 where there is no value behind it. */
  readonly head: number;
  readonly isUnknown?: boolean;
}

/** A place in the bytes: its value is a view of them, which is only made where it is asked for. */
class ReadAttribute implements Attribute {
  readonly #kind: Kind;
  readonly source: Buffer;
  readonly at: number;
  readonly end: number;
  readonly items: DataSet[] | undefined;

  constructor(
    kind: Kind,
    source: Buffer,
    { at, end, items }: { at: number; end: number; items: DataSet[] | undefined },
  ) {
    this.#kind = kind;
    this.source = source;
    this.at = at;
    this.end = end;
    this.items = items;
  }

  get tag(): string {
    return this.#kind.tag;
  }

  get vr(): string {
    return this.#kind.vr;
  }

  get isUnknown(): boolean | undefined {
    return this.#kind.isUnknown;
  }

  get value(): Buffer {
    const { head } = this.#kind;
    return head === 0 ? NOTHING : this.source.subarray(this.at + head, this.end);
  }

  get raw(): Buffer {
    return this.source.subarray(this.at, this.end);
  }
}

export interface Encoding {
  /** The type of each value precedes it. */
  readonly explicit: boolean;
}

/** What was read, and the bytes after it that could not be: cut off, or no attributes. */
export interface ReadDataSet {
  readonly dataSet: DataSet;
  readonly rest: Buffer;
}

const UNDEFINED = 0xffffffff;
const ITEM = 'FFFEE000';
const ITEM_END = 'FFFEE00D';
const SEQUENCE_END = 'FFFEE0DD';
/** Sequences in each other: more is an attack. */
const DEEPEST = 32;

/** Types with a length of four bytes, after two that mean nothing (PS3.5 7.1.2). */
export const LONG = new Set([
  'OB',
  'OW',
  'OF',
  'OD',
  'OL',
  'OV',
  'SQ',
  'UC',
  'UN',
  'UR',
  'UT',
  'SV',
  'UV',
]);

/** Marks where the bytes go on in a way that cannot be read. */
class Unreadable extends Error {}

/** Reads as far as it goes; stops now and then. Values are not copied. */
export function* readingDataSet(
  bytes: Buffer,
  encoding: Encoding,
): Generator<undefined, ReadDataSet> {
  const reader = new Reader(bytes);
  const attributes: Attribute[] = [];
  let at = 0;
  try {
    while (at < bytes.length) {
      const attribute = yield* reader.attribute(at, encoding, 0);
      attributes.push(attribute.read);
      at = attribute.end;
      yield;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  return { dataSet: { attributes }, rest: bytes.subarray(at) };
}

interface Header {
  readonly tag: string;
  readonly vr: string;
  readonly length: number;
  /** Where the value begins. */
  readonly start: number;
}

interface Read {
  readonly read: Attribute;
  readonly end: number;
}

const NOTHING = Buffer.alloc(0);

const isSequence = ({ vr, length }: Header): boolean =>
  vr === 'SQ' || (vr === 'UN' && length === UNDEFINED);

class Reader {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  *attribute(at: number, encoding: Encoding, depth: number): Generator<undefined, Read> {
    const head = this.#header(at, encoding);
    if (!isSequence(head)) return this.#value(at, head);
    const { tag, vr, length, start } = head;
    // values of unknown type have no types inside (PS3.5 6.2.2)
    const inside = vr === 'UN' ? { explicit: false } : encoding;
    const { items, end } = yield* this.#items({ start, length }, inside, depth + 1);
    const isUnknown = vr === 'UN';
    const kind = isUnknown ? { tag, vr: 'SQ', head: 0, isUnknown } : kindOf(tag, 'SQ', 0);
    return { read: new ReadAttribute(kind, this.#bytes, { at, end, items }), end };
  }

  #value(at: number, { tag, vr, length, start }: Header): Read {
    // items and their ends belong into sequences
    if (tag.startsWith('FFFE')) throw new Unreadable();
    const end = length === UNDEFINED ? this.#fragmentsEnd(start) : start + length;
    if (end > this.#bytes.length) throw new Unreadable();
    const kind = kindOf(tag, vr, length === UNDEFINED ? 0 : start - at);
    return { read: new ReadAttribute(kind, this.#bytes, { at, end, items: undefined }), end };
  }

  #header(at: number, { explicit }: Encoding): Header {
    const bytes = this.#bytes;
    if (at + 8 > bytes.length) throw new Unreadable();
    const group = bytes.readUInt16LE(at);
    const number = bytes.readUInt16LE(at + 2);
    const tag = tagOf(group, number);
    if (group === 0xfffe || !explicit) {
      const vr = group === 0xfffe ? '' : implicitVr(tag, group, number);
      return { tag, vr, length: bytes.readUInt32LE(at + 4), start: at + 8 };
    }
    const vr = typeOf(bytes.readUInt16BE(at + 4));
    if (vr === undefined) throw new Unreadable();
    if (!LONG.has(vr)) return { tag, vr, length: bytes.readUInt16LE(at + 6), start: at + 8 };
    if (at + 12 > bytes.length) throw new Unreadable();
    return { tag, vr, length: bytes.readUInt32LE(at + 8), start: at + 12 };
  }

  *#items(
    { start, length }: Pick<Header, 'start' | 'length'>,
    encoding: Encoding,
    depth: number,
  ): Generator<undefined, { items: DataSet[]; end: number }> {
    if (depth > DEEPEST) throw new Unreadable();
    const limit = length === UNDEFINED ? this.#bytes.length : start + length;
    if (limit > this.#bytes.length) throw new Unreadable();
    const items: DataSet[] = [];
    let at = start;
    while (at < limit) {
      const head = this.#header(at, encoding);
      if (head.tag === SEQUENCE_END) return { items, end: head.start };
      if (head.tag !== ITEM) throw new Unreadable();
      const { dataSet, end } = yield* this.#item(head, encoding, depth);
      items.push(dataSet);
      at = end;
      yield;
    }
    if (length === UNDEFINED || at !== limit) throw new Unreadable();
    return { items, end: at };
  }

  *#item(
    { start, length }: Header,
    encoding: Encoding,
    depth: number,
  ): Generator<undefined, { dataSet: DataSet; end: number }> {
    const limit = length === UNDEFINED ? this.#bytes.length : start + length;
    if (limit > this.#bytes.length) throw new Unreadable();
    const attributes: Attribute[] = [];
    let at = start;
    while (at < limit) {
      if (length === UNDEFINED && this.#header(at, encoding).tag === ITEM_END) {
        return { dataSet: { attributes: attributes.slice() }, end: at + 8 };
      }
      const one = this.#header(at, encoding);
      const { read, end } = isSequence(one)
        ? yield* this.attribute(at, encoding, depth)
        : this.#value(at, one);
      attributes.push(read);
      at = end;
    }
    if (length === UNDEFINED || at !== limit) throw new Unreadable();
    // without the room that was kept for more: there may be very many of them
    return { dataSet: { attributes: attributes.slice() }, end: at };
  }

  /** Compressed pictures come in fragments, which nobody reads here (PS3.5 A.4). */
  #fragmentsEnd(start: number): number {
    for (let at = start; ; ) {
      const { tag, length, start: value } = this.#header(at, { explicit: true });
      if (tag === SEQUENCE_END) return value;
      if (tag !== ITEM || length === UNDEFINED) throw new Unreadable();
      at = value + length;
    }
  }
}

/** Four hexadecimal digits, as numbers of attributes have. */
export const hex = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0');

/** What a few thousand attributes are called is written once; private ones of a hostile sender are not kept. */
const TAGS = new Map<number, string>();
const MOST_TAGS = 10_000;

function tagOf(group: number, number: number): string {
  const code = group * 0x10000 + number;
  const known = TAGS.get(code);
  if (known !== undefined) return known;
  const tag = hex(group) + hex(number);
  if (TAGS.size < MOST_TAGS) TAGS.set(code, tag);
  return tag;
}

/** The kinds of the attributes that were read last, by their number and type. */
const KINDS = new Map<string, Map<string, Kind>>();

function kindOf(tag: string, vr: string, head: number): Kind {
  const ofTag = KINDS.get(tag);
  const known = ofTag?.get(vr);
  if (known?.head === head) return known;
  const kind = { tag, vr, head };
  if (ofTag !== undefined) ofTag.set(vr, kind);
  else if (KINDS.size < MOST_TAGS) KINDS.set(tag, new Map([[vr, kind]]));
  return kind;
}

const LETTERS = Array.from({ length: 26 }, (_, at) => 0x41 + at);
/** Every pair of capitals, by its two bytes. */
const TYPES: ReadonlyMap<number, string> = new Map(
  LETTERS.flatMap((first) =>
    LETTERS.map((second): [number, string] => [
      first * 0x100 + second,
      String.fromCharCode(first, second),
    ]),
  ),
);

const typeOf = (code: number): string | undefined => TYPES.get(code);

function implicitVr(tag: string, group: number, number: number): string {
  const known = attributeAt(tag)?.vr;
  if (known !== undefined) return known;
  if (number === 0) return 'UL';
  // who made private attributes (PS3.5 7.8.1)
  return group % 2 === 1 && number >= 0x10 && number <= 0xff ? 'LO' : 'UN';
}

/** An attribute with a value, filled up to an even length (PS3.5 7.1.1). */
export function attributeOf(tag: string, vr: string, value: Buffer | string): OwnAttribute {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return { tag, vr, value: evenly(vr, bytes), items: undefined, raw: undefined };
}

/** Values have an even length: texts are filled up with a blank, UIDs with a zero (PS3.5 6.2). */
export function evenly(vr: string, bytes: Buffer): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  return Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
}

/** The bytes of a data set; what was not changed is as it came. */
export function writeDataSet({ attributes }: DataSet, encoding: Encoding): Buffer {
  const parts: Buffer[] = [];
  let run: { readonly source: Buffer; readonly from: number; to: number } | undefined;
  for (const one of attributes) {
    // what stood together is copied together
    if (one instanceof ReadAttribute && run?.source === one.source && run.to === one.at) {
      run.to = one.end;
      continue;
    }
    if (run !== undefined) parts.push(run.source.subarray(run.from, run.to));
    run = undefined;
    if (one instanceof ReadAttribute) run = { source: one.source, from: one.at, to: one.end };
    else parts.push(one.raw ?? writeAttribute(one, encoding));
  }
  if (run !== undefined) parts.push(run.source.subarray(run.from, run.to));
  return Buffer.concat(parts);
}

/** The same, to be changed by whoever asks for it. */
export function ownAttribute(one: Attribute): OwnAttribute {
  const { tag, vr, value, items, isUnknown, raw } = one;
  return { tag, vr, value, items: items && [...items], isUnknown, raw };
}

function writeAttribute(one: Attribute, encoding: Encoding): Buffer {
  const { tag, vr, value, items, isUnknown } = one;
  if (items === undefined) return Buffer.concat([header(tag, vr, value.length, encoding), value]);
  const inside = isUnknown === true ? { explicit: false } : encoding;
  const written = items.map((item) =>
    Buffer.concat([
      header(ITEM, '', UNDEFINED, encoding),
      writeDataSet(item, inside),
      header(ITEM_END, '', 0, encoding),
    ]),
  );
  const end = header(SEQUENCE_END, '', 0, encoding);
  const type = isUnknown === true ? 'UN' : 'SQ';
  return Buffer.concat([header(tag, type, UNDEFINED, encoding), ...written, end]);
}

function header(tag: string, vr: string, length: number, { explicit }: Encoding): Buffer {
  const isTyped = explicit && vr !== '';
  const isLong = isTyped && LONG.has(vr);
  const bytes = Buffer.alloc(isLong ? 12 : 8);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  if (!isTyped) {
    bytes.writeUInt32LE(length, 4);
    return bytes;
  }
  bytes.write(vr, 4, 'latin1');
  if (isLong) bytes.writeUInt32LE(length, 8);
  else bytes.writeUInt16LE(length, 6);
  return bytes;
}

/** Whether a value of so many bytes fits the length field of its type. */
export function fits(vr: string, size: number, { explicit }: Encoding): boolean {
  return explicit && !LONG.has(vr) ? size <= 0xfffe : size < UNDEFINED;
}
