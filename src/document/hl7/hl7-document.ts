import { Buffer, isAscii } from 'node:buffer';
import {
  ASCII,
  buffered,
  type Charset,
  charsetNamed,
  decodeFaithfully,
  isAsciiText,
  UTF8,
} from '../charset.ts';
import type { Document } from '../document.ts';
import { type Delimiters, delimitersAt } from './delimiters.ts';
import { redelimit } from './escape.ts';
import { declaredCharset, headerStart, hl7Charset } from './header.ts';
import { Hl7Segment } from './hl7-segment.ts';
import type { Line } from './line.ts';
import { LineList, type Piece } from './line-list.ts';
import { ALL, type Hl7Path, hl7Path } from './path.ts';
import {
  charsetFor,
  checkWritable,
  delimitersFor,
  insertPlace,
  noSuchSegment,
  readAllPlaces,
  readPlace,
  readRaw,
  removePlace,
  unreadable,
  type Writing,
  writePlace,
  writeRaw,
} from './place.ts';

/** Fields of a new segment: `1`, `3.2`, `3[2].1` → value. */
export type SegmentFields = Readonly<Record<string, string>>;

/**
 * Reads an HL7 v2 message or batch. Only what is asked for is taken apart. Throws DOCUMENT_UNREADABLE
 * if the bytes do not begin with MSH, BHS or FHS and usable delimiters.
 */
export function hl7Document(bytes: Uint8Array, given?: string): Hl7Document {
  return new Hl7Document(hl7Text(bytes, given));
}

/** An HL7 v2 message; see `Document` for the paths and for what is kept as it came. */
export class Hl7Document implements Document {
  readonly kind = 'hl7';
  readonly #source: Hl7Text;
  #charset: Charset | undefined;
  /** Every character is known to be ASCII. */
  #ascii: boolean;
  /** The message as bytes, while nothing is changed. */
  #bytes: Uint8Array | undefined;
  readonly #lines: LineList;
  #writing: Writing;

  constructor(source: Hl7Text) {
    const start = headerStart(source.text);
    const delimiters = start < 0 ? undefined : delimitersAt(source.text, start);
    if (delimiters === undefined) throw unreadable(start);
    this.#source = source;
    this.#bytes = source.raw;
    this.#charset = source.charset;
    this.#ascii = source.charset === undefined;
    this.#lines = new LineList(source.text, start, delimiters.field);
    this.#writing = { delimiters, charset: () => this.charset };
  }

  get delimiters(): Delimiters {
    return this.#writing.delimiters;
  }

  /** What the text is written in: MSH-18, else what the caller knew, else UTF-8; ISO-8859-1 where the bytes do not fit it. */
  get charset(): Charset {
    if (this.#charset === undefined) {
      const declared = this.get('MSH-18');
      const named = declared === '' ? undefined : hl7Charset(declared);
      this.#charset = named ?? charsetNamed(this.#source.given) ?? UTF8;
    }
    return this.#charset;
  }

  get(path: string): string {
    const compiled = hl7Path(path);
    const line = this.#lines.find(compiled.code, Math.max(compiled.index, 1));
    return line === undefined ? '' : readPlace(line, compiled, this.#writing);
  }

  all(path: string): string[] {
    const compiled = hl7Path(path);
    return this.#reached(compiled).flatMap((line) => readAllPlaces(line, compiled, this.#writing));
  }

  has(path: string): boolean {
    // Most often the first place has it, and then the rest of the message need not be looked at.
    return this.get(path) !== '' || this.all(path).length > 0;
  }

  /** The characters at the path as they stand, escapes and separators included; of a field, all its repetitions. */
  raw(path: string): string {
    const compiled = hl7Path(path);
    const line = this.#lines.find(compiled.code, Math.max(compiled.index, 1));
    return line === undefined ? '' : this.rawIn(line, compiled);
  }

  set(path: string, value: string): void {
    const compiled = hl7Path(path);
    if (compiled.index === ALL) {
      for (const line of this.#reached(compiled)) this.setIn(line, compiled, value);
    } else {
      this.setIn(this.#lineFor(compiled), compiled, value);
    }
  }

  /** Writes what `raw` gave, of this or of another message with the same delimiters. */
  setRaw(path: string, value: string): void {
    const compiled = hl7Path(path);
    this.setRawIn(this.#lineFor(compiled), compiled, value);
  }

  remove(path: string): void {
    const compiled = hl7Path(path);
    const lines = this.#reached(compiled);
    if (compiled.field === 0) {
      this.removeLines(lines);
      return;
    }
    for (const line of lines) this.removeIn(line, compiled);
  }

  bytes(): Uint8Array {
    this.#bytes ??= this.#write();
    return this.#bytes;
  }

  copy(): Hl7Document {
    const { text, raw, given } = this.#source;
    const charset = this.#ascii ? undefined : this.charset;
    return this.#lines.changed
      ? new Hl7Document({ text: this.text(), raw: this.#bytes, charset, given })
      : new Hl7Document({ text, raw, charset, given });
  }

  /** The message as text, line ends as they came. */
  text(): string {
    return this.#lines.text();
  }

  segmentCount(name?: string): number {
    return this.#lines.count(name === undefined ? undefined : hl7Path(name).code);
  }

  /**
   * Every segment of a name, or all of them, each as a document of its own: in it `OBX-5` means this
   * OBX and any other segment's path the message. They stay valid while other segments come and go.
   */
  segments(name?: string): Hl7Segment[] {
    const code = name === undefined ? undefined : hl7Path(name).code;
    return this.#lines
      .all(code)
      .filter((line) => line.code !== 0)
      .map((line) => new Hl7Segment(this, line));
  }

  /** Puts a segment at the end. */
  append(name: string, fields: SegmentFields = {}): Hl7Segment {
    return this.#insert(Number.MAX_SAFE_INTEGER, name, fields);
  }

  /** Puts a segment after another: one of `segments`, or the first at a path such as `PID` or `OBX[3]`. At the end if there is none. */
  insertAfter(place: string | Hl7Segment, name: string, fields: SegmentFields = {}): Hl7Segment {
    const line = this.#placed(place);
    const index = line === undefined ? Number.MAX_SAFE_INTEGER : this.#lines.indexOf(line) + 1;
    return this.#insert(index, name, fields);
  }

  insertBefore(place: string | Hl7Segment, name: string, fields: SegmentFields = {}): Hl7Segment {
    const line = this.#placed(place);
    const index = line === undefined ? Number.MAX_SAFE_INTEGER : this.#lines.indexOf(line);
    return this.#insert(index, name, fields);
  }

  /** Puts a repetition before the one of the path; `PID-3` puts it after the last. */
  insertRepetition(path: string, value: string): void {
    const compiled = hl7Path(path);
    this.#changing(compiled, value);
    insertPlace(this.#lineFor(compiled), compiled, value, this.#writing);
  }

  /** @internal All lines in order, those that are no segments too. */
  lines(): readonly Line[] {
    return this.#lines.all();
  }

  /** @internal Writes every line anew, those that are no segments too; of ASCII stays what is ASCII. */
  rewrite(change: (line: string) => string): void {
    for (const line of this.#lines.all()) line.rewrite(change(line.text));
    this.#lines.touch();
    this.#bytes = undefined;
  }

  /** @internal Reads in one segment. */
  getIn(line: Line, path: Hl7Path): string {
    return readPlace(line, path, this.#writing);
  }

  /** @internal */
  allIn(line: Line, path: Hl7Path): string[] {
    return readAllPlaces(line, path, this.#writing);
  }

  /** @internal */
  rawIn(line: Line, path: Hl7Path): string {
    return readRaw(line, path, this.#writing);
  }

  /** @internal */
  setRawIn(line: Line, path: Hl7Path, value: string): void {
    this.#changing(path, value);
    writeRaw(line, path, value, this.#writing);
  }

  /** @internal */
  setIn(line: Line, path: Hl7Path, value: string): void {
    if (line.isHeader && path.field > 0 && path.slot < 2) {
      this.#redelimit(path, value);
      return;
    }
    this.#changing(path, value);
    if (path.segment === 'MSH' && path.field === 18 && value !== '') {
      this.#charset = charsetFor(value, this.text());
    }
    writePlace(line, path, value, this.#writing);
  }

  /** @internal */
  removeIn(line: Line, path: Hl7Path): void {
    this.#changing(path, '');
    removePlace(line, path, this.#writing);
  }

  /** @internal */
  removeLines(lines: Iterable<Line>): void {
    this.#lines.remove(new Set(lines));
    if (this.#lines.changed) this.#bytes = undefined;
  }

  #reached(path: Hl7Path): Line[] {
    if (path.index <= 0) return this.#lines.all(path.code);
    const line = this.#lines.find(path.code, path.index);
    return line === undefined ? [] : [line];
  }

  #placed(place: string | Hl7Segment): Line | undefined {
    if (typeof place !== 'string') return place.line;
    const path = hl7Path(place);
    return this.#lines.find(path.code, Math.max(path.index, 1));
  }

  #lineFor(path: Hl7Path): Line {
    const n = Math.max(path.index, 1);
    const found = this.#lines.find(path.code, n);
    if (found !== undefined) return found;
    const count = this.#lines.count(path.code);
    if (n > count + 1) throw noSuchSegment(path, count);
    return this.#insert(Number.MAX_SAFE_INTEGER, path.segment, {}).line;
  }

  #insert(index: number, name: string, fields: SegmentFields): Hl7Segment {
    const { segment } = hl7Path(name);
    const line = this.#lines.insert(index, segment);
    this.#bytes = undefined;
    for (const [field, value] of Object.entries(fields)) {
      this.setIn(line, hl7Path(`${segment}-${field}`), value);
    }
    return new Hl7Segment(this, line);
  }

  #write(): Uint8Array {
    const { raw } = this.#source;
    if (this.#ascii && raw !== undefined) return asciiBytes(this.#lines.pieces(), raw);
    return (this.#ascii ? ASCII : this.charset).encode(this.text());
  }

  /** Called before every change of a value. */
  #changing(path: Hl7Path, value: string): void {
    const ascii = isAsciiText(value);
    if (!ascii || path.field === 0) checkWritable(path, value, this.charset);
    this.#ascii &&= ascii;
    this.#lines.touch();
    this.#bytes = undefined;
  }

  #redelimit(path: Hl7Path, value: string): void {
    const before = this.delimiters;
    const delimiters = delimitersFor(path, value, before);
    if (delimiters.field === before.field && delimiters.encoding === before.encoding) return;
    for (const line of this.#lines.all()) {
      line.rewrite(redelimit(line.text, before, delimiters, () => this.charset));
    }
    this.#lines.touch();
    this.#writing = { ...this.#writing, delimiters };
    this.#bytes = undefined;
  }
}

/** A message as text, with what is known of the bytes it came from. */
interface Hl7Text {
  readonly text: string;
  /** The bytes of this text; undefined for one that was made here. */
  readonly raw: Uint8Array | undefined;
  /** Undefined while every byte is ASCII: then it matters only if something else is written. */
  readonly charset: Charset | undefined;
  /** The charset the caller knows of, for a message that declares none. */
  readonly given: string | undefined;
}

/** Decodes a message once, in the charset that MSH-18 declares, else the given one, else UTF-8. */
function hl7Text(bytes: Uint8Array, given: string | undefined): Hl7Text {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    return { text: buffer.toString('latin1'), raw: bytes, charset: undefined, given };
  }
  const wanted = declaredCharset(buffer).charset ?? charsetNamed(given);
  const { text, charset } = decodeFaithfully(buffer, wanted);
  return { text, raw: bytes, charset, given };
}

/** Puts a changed message together where everything is ASCII, so that a place in the text is the same place in the bytes. */
function asciiBytes(pieces: readonly Piece[], raw: Uint8Array): Buffer {
  const source = buffered(raw);
  let size = 0;
  for (const piece of pieces) {
    size += typeof piece === 'string' ? piece.length : piece[1] - piece[0];
  }
  const result = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    at +=
      typeof piece === 'string'
        ? result.write(piece, at, 'latin1')
        : source.copy(result, at, piece[0], piece[1]);
  }
  return result;
}
