import type { Document } from '../document.ts';
import type { Line } from './line.ts';
import type { SegmentDocument } from './segment-document.ts';
import { nameOfCode, type SegmentPath } from './segment-path.ts';

/**
 * One segment of a body, seen as a document: `OBX-5` is the field of this OBX; a path with a segment
 * number, or with another segment, refers to what surrounds it: the whole body, or the current segment of an outer
 * loop. For loops over segments.
 */
export class Segment<Whole extends SegmentDocument = SegmentDocument> implements Document {
  readonly kind: SegmentDocument['kind'];
  /** The whole body. */
  readonly message: Whole;
  /** @internal */
  readonly line: Line;

  /** Where paths are looked up that are not its own. */
  readonly around: Document;

  constructor(message: Whole, line: Line, around: Document = message) {
    this.kind = message.kind;
    this.message = message;
    this.line = line;
    this.around = around;
  }

  /** The same segment inside something other than the whole body. */
  inside(around: Document): Segment<Whole> {
    return new Segment(this.message, this.line, around);
  }

  get name(): string {
    return nameOfCode(this.line.code);
  }

  /** The raw segment, without its line end. */
  get text(): string {
    return this.line.text;
  }

  /** How many fields it has, including empty ones. */
  get fieldCount(): number {
    return this.message.fieldsIn(this.line);
  }

  get(path: string): string {
    const own = this.#own(path);
    return own === undefined ? this.#elsewhere(path).get(path) : this.message.getIn(this.line, own);
  }

  all(path: string): string[] {
    const own = this.#own(path);
    return own === undefined ? this.#elsewhere(path).all(path) : this.message.allIn(this.line, own);
  }

  has(path: string): boolean {
    const own = this.#own(path);
    return own === undefined ? this.#elsewhere(path).has(path) : this.all(path).length > 0;
  }

  /** Like `SegmentDocument.raw`. */
  raw(path: string): string {
    const own = this.#own(path);
    return own === undefined ? this.#rawAround.raw(path) : this.message.rawIn(this.line, own);
  }

  set(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.#elsewhere(path).set(path, value);
    else this.message.setIn(this.line, own, value);
  }

  /** Like `SegmentDocument.setRaw`. */
  setRaw(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.#rawAround.setRaw(path, value);
    else this.message.setRawIn(this.line, own, value);
  }

  /** Without a field, it means the segment itself. */
  remove(path: string): void {
    const own = this.#own(path);
    if (own === undefined) this.#elsewhere(path).remove(path);
    else if (own.field === 0) this.message.removeLines([this.line]);
    else this.message.removeIn(this.line, own);
  }

  /** Of the whole body. */
  bytes(): Uint8Array {
    return this.message.bytes();
  }

  /** Of the whole body. */
  copy(): Document {
    return this.message.copy();
  }

  get #rawAround(): Pick<SegmentDocument, 'raw' | 'setRaw'> {
    return this.around instanceof Segment ? this.around : this.message;
  }

  /** Where a path is looked up that is not its own: in the segment of an outer loop, in the loop that contains the segment, or in what surrounds it. */
  #elsewhere(path: string): Document {
    if (this.around instanceof Segment && this.around.#holds(path)) return this.around;
    return this.message.scopeAt(this.line) ?? this.around;
  }

  #holds(path: string): boolean {
    if (this.#own(path) !== undefined) return true;
    return this.around instanceof Segment && this.around.#holds(path);
  }

  #own(path: string): SegmentPath | undefined {
    const compiled = this.message.pathOf(path);
    const { code, index, loops } = compiled;
    return code === this.line.code && index === 0 && loops.length === 0 ? compiled : undefined;
  }
}
