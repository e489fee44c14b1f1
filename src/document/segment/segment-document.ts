import { Buffer } from 'node:buffer';
import { EngineError } from '../../error/engine-error.ts';
import { ASCII, buffered, type Charset, charsetNamed, isAsciiText, UTF8 } from '../charset.ts';
import type { Document } from '../document.ts';
import type { Line } from './line.ts';
import type { LineList, Piece } from './line-list.ts';
import {
  insertPlace,
  readAllPlaces,
  readPlace,
  readRaw,
  removePlace,
  type Writing,
  writePlace,
  writeRaw,
} from './place.ts';
import { Segment } from './segment.ts';
import { ALL, type SegmentPath } from './segment-path.ts';

/** A body as text, with the facts known of the bytes it came from. */
export interface SourceText {
  readonly text: string;
  /** The bytes of this text; undefined if it was made here. */
  readonly raw: Uint8Array | undefined;
  /** Undefined while every byte is ASCII: then it matters only once other characters are written. */
  readonly charset: Charset | undefined;
  /** The charset the caller knows of, for a body that declares none. */
  readonly given: string | undefined;
}

/** Fields of a new segment: `1`, `3.2`, `3[2].1` → value. */
export type SegmentFields = Readonly<Record<string, string>>;

/** A body of segments: HL7 v2, X12, EDIFACT or ASTM. Only the requested parts are parsed; unchanged parts stay as received. */
export abstract class SegmentDocument implements Document {
  abstract readonly kind: 'hl7' | 'x12' | 'edifact' | 'astm';
  protected readonly source: SourceText;
  protected readonly list: LineList;
  protected abstract writing: Writing;
  #charset: Charset | undefined;
  /** Whether every character is known to be ASCII. */
  #ascii: boolean;
  /** The body as bytes, while nothing is changed. */
  #bytes: Uint8Array | undefined;

  protected constructor(source: SourceText, list: LineList) {
    this.source = source;
    this.list = list;
    this.#bytes = source.raw;
    this.#charset = source.charset;
    this.#ascii = source.charset === undefined;
  }

  abstract copy(): SegmentDocument;

  /** @internal What a path means in this kind of body. Throws PATH_INVALID. */
  abstract pathOf(path: string): SegmentPath;

  /** The charset of the text: what the body declares, otherwise what the caller knew, otherwise UTF-8; ISO-8859-1 if the bytes are invalid in it. */
  get charset(): Charset {
    this.#charset ??= this.declaredCharset() ?? charsetNamed(this.source.given) ?? UTF8;
    return this.#charset;
  }

  get(path: string): string {
    const compiled = this.pathOf(path);
    const line = this.first(compiled);
    return line === undefined ? '' : readPlace(line, compiled, this.writing);
  }

  all(path: string): string[] {
    const compiled = this.pathOf(path);
    return this.reached(compiled).flatMap((line) => readAllPlaces(line, compiled, this.writing));
  }

  has(path: string): boolean {
    // Usually the first place has it, and then the rest of the body need not be parsed.
    return this.get(path) !== '' || this.all(path).length > 0;
  }

  /** The raw characters at the path, including escapes and separators; for a field, all its repetitions. */
  raw(path: string): string {
    const compiled = this.pathOf(path);
    const line = this.first(compiled);
    return line === undefined ? '' : this.rawIn(line, compiled);
  }

  set(path: string, value: string): void {
    const compiled = this.pathOf(path);
    if (compiled.index === ALL || compiled.loops.some(({ index }) => index === ALL)) {
      for (const line of this.reached(compiled)) this.setIn(line, compiled, value);
    } else {
      this.setIn(this.lineFor(compiled), compiled, value);
    }
  }

  /** Writes what `raw` gave, of this or of another body with the same delimiters. */
  setRaw(path: string, value: string): void {
    const compiled = this.pathOf(path);
    this.setRawIn(this.lineFor(compiled), compiled, value);
  }

  remove(path: string): void {
    const compiled = this.pathOf(path);
    const lines = this.reached(compiled);
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

  /** Reads all of it, a little at each step, so that nothing is left to be found when it is asked for. */
  reading(): Generator<undefined> {
    return this.list.reading();
  }

  /** The body as text, with the original line ends. */
  text(): string {
    return this.list.text();
  }

  segmentCount(name?: string): number {
    return this.list.count(name === undefined ? undefined : this.pathOf(name).code);
  }

  /**
   * Every segment of a name, or all of them, each as a document of its own: in it `OBX-5` means this
   * OBX, and the path of any other segment refers to the body. They stay valid while other segments are added or removed.
   */
  segments(name?: string): Segment<this>[] {
    const code = name === undefined ? undefined : this.pathOf(name).code;
    return this.list
      .all(code)
      .filter((line) => line.code !== 0)
      .map((line) => new Segment(this, line));
  }

  /** The segments after one that was not removed, in order. */
  *segmentsAfter({ line }: Segment): Iterable<Segment<this>> {
    for (let at = this.list.after(line); at !== undefined; at = this.list.after(at)) {
      if (at.code !== 0) yield new Segment(this, at);
    }
  }

  /** @internal Whether a segment has not been removed. */
  hasLine(line: Line): boolean {
    return this.list.has(line);
  }

  /** Adds a segment at the end. */
  append(name: string, fields: SegmentFields = {}): Segment<this> {
    return this.#insert(this.end(), name, fields);
  }

  /**
   * Adds a segment after another: one of `segments`, even if it was removed since, or the first at a path such as
   * `PID` or `OBX[3]`. At the end if there is none.
   */
  insertAfter(place: string | Segment, name: string, fields: SegmentFields = {}): Segment<this> {
    const line = this.#placed(place);
    const before = line === undefined ? this.end() : this.list.following(line);
    return this.#insert(before, name, fields);
  }

  insertBefore(place: string | Segment, name: string, fields: SegmentFields = {}): Segment<this> {
    const line = this.#placed(place);
    if (line === undefined) return this.#insert(this.end(), name, fields);
    const before = this.list.has(line) ? line : this.list.following(line);
    return this.#insert(before, name, fields);
  }

  /** Adds a repetition before the one of the path; `PID-3` adds it after the last. */
  insertRepetition(path: string, value: string): void {
    const compiled = this.pathOf(path);
    this.changing(compiled, value);
    insertPlace(this.lineFor(compiled), compiled, value, this.writing);
  }

  /** @internal All lines in order, including those that are not segments. */
  lines(): readonly Line[] {
    return this.list.all();
  }

  /** @internal Rewrites every line, including those that are not segments; ASCII remains ASCII. */
  rewrite(change: (line: string) => string): void {
    for (const line of this.list.all()) line.rewrite(change(line.text));
    this.changed();
  }

  /** @internal How many fields a segment has. */
  fieldsIn(line: Line): number {
    return line.slots(this.writing.marks.field);
  }

  /** @internal Reads in one segment. */
  getIn(line: Line, path: SegmentPath): string {
    return readPlace(line, path, this.writing);
  }

  /** @internal */
  allIn(line: Line, path: SegmentPath): string[] {
    return readAllPlaces(line, path, this.writing);
  }

  /** @internal */
  rawIn(line: Line, path: SegmentPath): string {
    return readRaw(line, path, this.writing);
  }

  /** @internal */
  setRawIn(line: Line, path: SegmentPath, value: string): void {
    this.changing(path, value);
    writeRaw(line, path, value, this.writing);
  }

  /** @internal */
  setIn(line: Line, path: SegmentPath, value: string): void {
    this.changing(path, value);
    writePlace(line, path, value, this.writing);
  }

  /** @internal */
  removeIn(line: Line, path: SegmentPath): void {
    this.changing(path, '');
    removePlace(line, path, this.writing);
  }

  /** @internal */
  removeLines(lines: Iterable<Line>): void {
    this.list.remove(new Set(lines));
    if (this.list.changed) this.#bytes = undefined;
  }

  /** @internal Where paths are looked up that are not the segment's own; undefined for the whole body. */
  scopeAt(_line: Line): Document | undefined {
    return undefined;
  }

  /** The charset that the body itself declares. */
  protected abstract declaredCharset(): Charset | undefined;

  /** What to do if a value has characters that the charset lacks: a full sentence. */
  protected abstract readonly charsetRemedy: string;

  /** The charset that is written from now on. */
  protected useCharset(charset: Charset | undefined): void {
    this.#charset = charset;
  }

  /** The line before which a segment without a defined place is inserted; undefined at the end of the body. */
  protected end(): Line | undefined {
    return undefined;
  }

  protected first(path: SegmentPath): Line | undefined {
    return this.list.find(path.code, Math.max(path.index, 1));
  }

  /** Every segment that a path reaches. */
  protected reached(path: SegmentPath): Line[] {
    if (path.index <= 0) return this.list.all(path.code);
    const line = this.list.find(path.code, path.index);
    return line === undefined ? [] : [line];
  }

  /** The segment that a path writes to; added if it is missing. */
  protected lineFor(path: SegmentPath): Line {
    const n = Math.max(path.index, 1);
    const found = this.list.find(path.code, n);
    if (found !== undefined) return found;
    const count = this.list.count(path.code);
    if (n > count + 1) throw noSuchSegment(path, count);
    const line = this.insertLine(this.end(), path.segment);
    this.inserted(line);
    return line;
  }

  /** Adds a segment before a line; at the end of the body if there is none. */
  protected insertLine(before: Line | undefined, name: string): Line {
    const line = this.list.insert(before, name);
    this.#bytes = undefined;
    return line;
  }

  /** Called after a segment was added and has its fields. */
  protected inserted(_line: Line): void {
    // most kinds keep nothing that depends on the order of segments
  }

  /** Called before every change of a value. */
  protected changing(path: SegmentPath, value: string): void {
    const ascii = isAsciiText(value);
    if (path.field === 0) throw wholeSegment(path);
    if (!ascii && !this.charset.canEncode(value)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `${path.text}: the value has characters that ${this.charset.name} cannot write. ${this.charsetRemedy}`,
      );
    }
    this.#ascii &&= ascii;
    this.changed();
  }

  protected changed(): void {
    this.list.touch();
    this.#bytes = undefined;
  }

  /** What a copy is made of. */
  protected sourceNow(): SourceText {
    const { text, raw, given } = this.source;
    const charset = this.#ascii ? undefined : this.charset;
    return this.list.changed
      ? { text: this.text(), raw: this.#bytes, charset, given }
      : { text, raw, charset, given };
  }

  #placed(place: string | Segment): Line | undefined {
    return typeof place === 'string' ? this.first(this.pathOf(place)) : place.line;
  }

  #insert(before: Line | undefined, name: string, fields: SegmentFields): Segment<this> {
    const { segment } = this.pathOf(name);
    const line = this.insertLine(before, segment);
    for (const [field, value] of Object.entries(fields)) {
      this.setIn(line, this.pathOf(`${segment}-${field}`), value);
    }
    this.inserted(line);
    return new Segment(this, line);
  }

  #write(): Uint8Array {
    const { raw } = this.source;
    if (this.#ascii && raw !== undefined) return asciiBytes(this.list.pieces(), raw);
    return (this.#ascii ? ASCII : this.charset).encode(this.text());
  }
}

function wholeSegment({ text }: SegmentPath): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text} is a whole segment and cannot be written as a value. Name a field, such as ${text}-1.`,
  );
}

/** Segments are created one after another. */
function noSuchSegment({ text, segment }: SegmentPath, count: number): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text} cannot be written: there are ${count} ${segment}. Write ${segment}[${count + 1}] first.`,
  );
}

/** Assembles a changed body in which everything is ASCII, so that positions in the text and in the bytes are the same. */
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
