import type { Document } from '../document.ts';
import type { Hl7Document } from './hl7-document.ts';
import type { Line } from './line.ts';
import { type Hl7Path, hl7Path } from './path.ts';

/**
 * One segment of a message, seen as a document: `OBX-5` is the field of this OBX; a path with a segment
 * number and those of other segments mean what is around it: the whole message, or the segment that a loop
 * outside is at. For loops over segments.
 */
export class Hl7Segment implements Document {
  readonly kind = 'hl7';
  /** The whole message. */
  readonly message: Hl7Document;
  /** @internal */
  readonly line: Line;

  /** Where paths are looked for that are not its own. */
  readonly around: Document;

  constructor(message: Hl7Document, line: Line, around: Document = message) {
    this.message = message;
    this.line = line;
    this.around = around;
  }

  /** The same segment inside of something else than the whole message. */
  inside(around: Document): Hl7Segment {
    return new Hl7Segment(this.message, this.line, around);
  }

  get name(): string {
    return this.line.source.slice(this.line.start, this.line.start + 3);
  }

  /** The segment as it stands in the message, without its line end. */
  get text(): string {
    return this.line.text;
  }

  get(path: string): string {
    const own = this.#own(path);
    return own === undefined ? this.around.get(path) : this.message.getIn(this.line, own);
  }

  all(path: string): string[] {
    const own = this.#own(path);
    return own === undefined ? this.around.all(path) : this.message.allIn(this.line, own);
  }

  has(path: string): boolean {
    const own = this.#own(path);
    return own === undefined ? this.around.has(path) : this.all(path).length > 0;
  }

  /** As `Hl7Document.raw`. */
  raw(path: string): string {
    const own = this.#own(path);
    return own === undefined ? this.#rawAround.raw(path) : this.message.rawIn(this.line, own);
  }

  set(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.around.set(path, value);
    else this.message.setIn(this.line, own, value);
  }

  /** As `Hl7Document.setRaw`. */
  setRaw(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.#rawAround.setRaw(path, value);
    else this.message.setRawIn(this.line, own, value);
  }

  /** Without a field, the segment itself. */
  remove(path: string): void {
    const own = this.#own(path);
    if (own === undefined) this.around.remove(path);
    else if (own.field === 0) this.message.removeLines([this.line]);
    else this.message.removeIn(this.line, own);
  }

  /** Of the whole message. */
  bytes(): Uint8Array {
    return this.message.bytes();
  }

  /** Of the whole message. */
  copy(): Document {
    return this.message.copy();
  }

  get #rawAround(): Hl7Document | Hl7Segment {
    return this.around instanceof Hl7Segment ? this.around : this.message;
  }

  #own(path: string): Hl7Path | undefined {
    const compiled = hl7Path(path);
    return compiled.code === this.line.code && compiled.index === 0 ? compiled : undefined;
  }
}
