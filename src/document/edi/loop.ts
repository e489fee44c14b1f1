import type { Line } from '../segment/line.ts';
import type { GuideLoop } from './guide/guide.ts';

/** A stretch of an interchange: a loop of an implementation guide, or a part of the envelope. */
export class Loop {
  /** `2300`; `ISA`, `GS`, `ST`, `UNB`, `UNG`, `UNH`; `''` for the whole body. */
  readonly id: string;
  readonly around: Loop | undefined;
  /** What the guide says of it; undefined outside a transaction set, and in one whose guide is unknown. */
  readonly guide: GuideLoop | undefined;
  /** Undefined for the whole body, as is `last`. */
  readonly first: Line | undefined;
  last: Line | undefined;
  /** Index of its first line, as counted by `EdiLoops.numbered`. */
  from = 0;
  /** Index after its last line, as counted by `EdiLoops.numbered`. */
  until = 0;
  // the loops directly in it, and its neighbours: adding and removing one costs the same among any number
  #firstInner: Loop | undefined;
  #lastInner: Loop | undefined;
  #before: Loop | undefined;
  #after: Loop | undefined;

  constructor(
    id: string,
    around: Loop | undefined,
    guide: GuideLoop | undefined,
    first: Line | undefined,
  ) {
    this.id = id;
    this.around = around;
    this.guide = guide;
    this.first = first;
    this.last = first;
  }

  /** The loops directly in it, in order. */
  get loops(): Loop[] {
    const loops: Loop[] = [];
    for (let at = this.#firstInner; at !== undefined; at = at.#after) loops.push(at);
    return loops;
  }

  /** Its first and its last line; undefined for the whole body. */
  get stretch(): { readonly first: Line; readonly last: Line } | undefined {
    const { first, last } = this;
    return first === undefined || last === undefined ? undefined : { first, last };
  }

  /** Takes a loop into it, before one of its loops; after all if there is none. */
  add(loop: Loop, before?: Loop): void {
    const after = before === undefined ? this.#lastInner : before.#before;
    loop.#before = after;
    loop.#after = before;
    if (after === undefined) this.#firstInner = loop;
    else after.#after = loop;
    if (before === undefined) this.#lastInner = loop;
    else before.#before = loop;
  }

  /** Removes one of its loops. */
  remove(loop: Loop): void {
    const [before, after] = [loop.#before, loop.#after];
    if (before === undefined) this.#firstInner = after;
    else before.#after = after;
    if (after === undefined) this.#lastInner = before;
    else after.#before = before;
  }
}
