import type { Document } from '../document.ts';
import type { Hl7Document } from './hl7-document.ts';
import type { Line } from './line.ts';
import { type Hl7Path, hl7Path } from './path.ts';

/**
 * One segment of a message, seen as a document: `OBX-5` is the field of this OBX; a path with a segment
 * number and those of other segments mean the whole message. For loops over segments.
 */
export class Hl7Segment implements Document {
  readonly kind = 'hl7';
  /** The whole message. */
  readonly message: Hl7Document;
  /** @internal */
  readonly line: Line;

  constructor(message: Hl7Document, line: Line) {
    this.message = message;
    this.line = line;
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
    return own === undefined ? this.message.get(path) : this.message.getIn(this.line, own);
  }

  all(path: string): string[] {
    const own = this.#own(path);
    return own === undefined ? this.message.all(path) : this.message.allIn(this.line, own);
  }

  has(path: string): boolean {
    return this.all(path).length > 0;
  }

  /** As `Hl7Document.raw`. */
  raw(path: string): string {
    const own = this.#own(path);
    return own === undefined ? this.message.raw(path) : this.message.rawIn(this.line, own);
  }

  set(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.message.set(path, value);
    else this.message.setIn(this.line, own, value);
  }

  /** As `Hl7Document.setRaw`. */
  setRaw(path: string, value: string): void {
    const own = this.#own(path);
    if (own === undefined) this.message.setRaw(path, value);
    else this.message.setRawIn(this.line, own, value);
  }

  /** Without a field, the segment itself. */
  remove(path: string): void {
    const own = this.#own(path);
    if (own === undefined) this.message.remove(path);
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

  #own(path: string): Hl7Path | undefined {
    const compiled = hl7Path(path);
    return compiled.code === this.line.code && compiled.index === 0 ? compiled : undefined;
  }
}
