import type { Document } from '../document/document.ts';
import type { Segment } from '../document/segment/segment.ts';
import type { SegmentDocument } from '../document/segment/segment-document.ts';

/**
 * The counterpart of the current segment if the new message began empty: the first value written to
 * it creates it at the end of the message.
 */
export class NewSegment implements Document {
  readonly kind: SegmentDocument['kind'];
  readonly name: string;
  readonly #message: SegmentDocument;
  /** Where paths are looked up that are not its own. */
  readonly around: Document;
  #made: Segment | undefined;

  constructor(message: SegmentDocument, name: string, around: Document = message) {
    this.kind = message.kind;
    this.#message = message;
    this.around = around;
    this.name = name;
  }

  /** Undefined until something is written to it. */
  get made(): Segment | undefined {
    return this.#made;
  }

  get(path: string): string {
    return this.#reading(path)?.get(path) ?? '';
  }

  all(path: string): string[] {
    return this.#reading(path)?.all(path) ?? [];
  }

  has(path: string): boolean {
    return this.#reading(path)?.has(path) ?? false;
  }

  set(path: string, value: string): void {
    if (this.#isOwn(path)) {
      this.#made ??= this.#message.append(this.name);
      this.#made.set(path, value);
    } else {
      this.around.set(path, value);
    }
  }

  remove(path: string): void {
    this.#reading(path)?.remove(path);
  }

  bytes(): Uint8Array {
    return this.#message.bytes();
  }

  copy(): Document {
    return this.#message.copy();
  }

  #reading(path: string): Document | undefined {
    return this.#isOwn(path) ? this.#made : this.around;
  }

  #isOwn(path: string): boolean {
    const { segment, index, loops } = this.#message.pathOf(path);
    return segment === this.name && index === 0 && loops.length === 0;
  }
}
