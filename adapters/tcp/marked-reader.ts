import {
  type FoundFrame,
  type FrameShare,
  type FrameSource,
  PendingMessage,
} from 'waybill/peer/tcp';

/** The bytes around a message. */
export interface Marks {
  /** Undefined if the first byte after a message begins the next. */
  readonly start: Buffer | undefined;
  /** Any of them ends a message. */
  readonly ends: readonly Buffer[];
}

const NOTHING = Buffer.alloc(0);

/**
 * Splits a byte stream at marks, whatever the chunks, in linear time.
 * Two marks with nothing between them are a keep-alive, not a message.
 *
 *     between ──start mark──► inside ──end mark──► between
 *        │ other bytes: junk     │ start mark: restart
 */
export class MarkedReader implements FrameSource {
  readonly almostEnded = false;
  readonly #start: Buffer | undefined;
  readonly #ends: readonly Buffer[];
  readonly #message: PendingMessage;
  #inside: boolean;
  /** Bytes at the end of the previous chunk that may begin a mark, and are not yet in the message. */
  #held: Buffer = NOTHING;
  #over = false;

  constructor({ start, ends }: Marks, limit: number, share: FrameShare) {
    this.#start = start;
    this.#ends = ends;
    this.#message = new PendingMessage(limit, share);
    this.#inside = start === undefined;
  }

  get open(): boolean {
    return this.#start === undefined ? this.pending > 0 : this.#inside;
  }

  get pending(): number {
    return this.#message.size + (this.#inside ? this.#held.length : 0);
  }

  push(chunk: Buffer): FoundFrame[] {
    const found: FoundFrame[] = [];
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    const ends = this.#ends.map((mark) => new MarkSearch(bytes, mark));
    let at = 0;
    while (at < bytes.length && !this.#over) {
      at = this.#inside
        ? this.#readInside(bytes, at, { ends, found })
        : this.#readBetween(bytes, at, found);
    }
    return found;
  }

  finish(): Buffer {
    this.#inside = this.#start === undefined;
    return this.#message.take();
  }

  atEnd(): undefined {
    return undefined;
  }

  /** Looks for the start mark from `at`; returns the position after it. */
  #readBetween(bytes: Buffer, at: number, found: FoundFrame[]): number {
    const start = this.#start ?? NOTHING;
    const next = bytes.indexOf(start, at);
    this.#inside = next >= 0;
    if (next < 0) this.#held = bytes.subarray(bytes.length - begun(bytes.subarray(at), [start]));
    const junk = bytes.subarray(at, next < 0 ? bytes.length - this.#held.length : next);
    // Line ends between messages are too common to report.
    if (junk.some((byte) => byte !== 0x0d && byte !== 0x0a))
      found.push({ kind: 'junk', bytes: junk });
    return next < 0 ? bytes.length : next + start.length;
  }

  /** Looks for the end of the open message from `at`; returns the position after it. */
  #readInside(
    bytes: Buffer,
    at: number,
    { ends, found }: { readonly ends: readonly MarkSearch[]; readonly found: FoundFrame[] },
  ): number {
    const end = earliest(ends, at);
    if (end === undefined) {
      const rest = bytes.subarray(at);
      const marks = this.#start === undefined ? this.#ends : [this.#start, ...this.#ends];
      this.#held = rest.subarray(rest.length - begun(rest, marks));
      this.#keep(rest.subarray(0, rest.length - this.#held.length), found);
      return bytes.length;
    }
    this.#keep(bytes.subarray(at, end.at), found);
    if (this.#over) return bytes.length;
    this.#inside = this.#start === undefined;
    if (this.#message.size > 0) found.push({ kind: 'frame', body: this.#message.take() });
    return end.at + end.length;
  }

  /** Adds bytes to the open message; a start mark among them begins it again. */
  #keep(bytes: Buffer, found: FoundFrame[]): void {
    const start = this.#start;
    const restart = start === undefined ? -1 : bytes.lastIndexOf(start);
    if (restart >= 0) {
      const lost = this.#message.size + restart;
      if (lost > 0) found.push({ kind: 'restart', lost });
      this.#message.drop();
    }
    const rest = restart < 0 ? bytes : bytes.subarray(restart + (start?.length ?? 0));
    if (rest.length === 0) return;
    const over = this.#message.add(rest);
    if (over === undefined) return;
    this.#over = true;
    found.push(over);
  }
}

/** Finds a mark from increasing positions, and looks at no byte twice. */
class MarkSearch {
  readonly length: number;
  readonly #bytes: Buffer;
  /** A single byte is looked for as such, which is quicker. */
  readonly #mark: Buffer | number;
  #found = -2;

  constructor(bytes: Buffer, mark: Buffer) {
    this.#bytes = bytes;
    this.length = mark.length;
    this.#mark = mark.length === 1 ? mark.readUInt8() : mark;
  }

  /** The position of the mark from `at` on; −1 if there is none. */
  from(at: number): number {
    if (this.#found !== -1 && this.#found < at) this.#found = this.#bytes.indexOf(this.#mark, at);
    return this.#found;
  }
}

function earliest(
  ends: readonly MarkSearch[],
  at: number,
): { readonly at: number; readonly length: number } | undefined {
  let best: { readonly at: number; readonly length: number } | undefined;
  for (const end of ends) {
    const found = end.from(at);
    if (found >= 0 && (best === undefined || found < best.at)) {
      best = { at: found, length: end.length };
    }
  }
  return best;
}

/** How many bytes at the end may begin a mark that continues in the next chunk. */
function begun(bytes: Buffer, marks: readonly Buffer[]): number {
  const longest = Math.max(...marks.map((mark) => mark.length)) - 1;
  for (let length = Math.min(longest, bytes.length); length > 0; length--) {
    const tail = bytes.subarray(bytes.length - length);
    if (marks.some((mark) => mark.length > length && tail.equals(mark.subarray(0, length)))) {
      return length;
    }
  }
  return 0;
}
