import type { Document } from '../document.ts';
import type { Line } from '../segment/line.ts';
import type { EdiDocument } from './edi-document.ts';
import { ediPath } from './edi-path.ts';

/**
 * One loop of an X12 transaction set, seen as a document. A segment that its guide allows in the loop is looked
 * up in it and in its inner loops, any other in the enclosing loops; a path with loops means the
 * nearest ones with that name, first inside, then outside. So in a claim (2300) `CLM-1` is its own, `2400/SV1-2` that of its
 * first line, and `2010BA/NM1-9` the subscriber that it belongs to.
 */
export class LoopView implements Document {
  readonly kind: EdiDocument['kind'];
  /** The whole body. */
  readonly message: EdiDocument;
  /** @internal Any line of the loop: loops are found again after segments were added or removed. */
  readonly line: Line;
  readonly #id: string | undefined;

  /** `id`: which of the loops around the line is meant; the innermost if left out. */
  constructor(message: EdiDocument, line: Line, id?: string) {
    this.kind = message.kind;
    this.message = message;
    this.line = line;
    this.#id = id;
  }

  get(path: string): string {
    return this.message.getFrom(this, ediPath(path));
  }

  all(path: string): string[] {
    return this.message.allFrom(this, ediPath(path));
  }

  has(path: string): boolean {
    return this.all(path).length > 0;
  }

  /** The loops of an id in this one, each as a document of its own. */
  loops(id: string): LoopView[] {
    return this.message.loopsFrom(this, id);
  }

  set(path: string, value: string): void {
    this.message.setFrom(this, ediPath(path), value);
  }

  remove(path: string): void {
    this.message.removeFrom(this, ediPath(path));
  }

  /** Of the whole body. */
  bytes(): Uint8Array {
    return this.message.bytes();
  }

  /** Of the whole body. */
  copy(): Document {
    return this.message.copy();
  }

  /** @internal */
  get id(): string | undefined {
    return this.#id;
  }
}
