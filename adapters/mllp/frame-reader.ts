import { type FoundFrame, type FrameSource, PendingMessage, UNLIMITED } from 'waybill/peer/tcp';
import type { Framing } from './framing.ts';

const BLANKS: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20]);
const HEADERS = ['MSH', 'BHS', 'FHS'];
const NOTHING: Buffer = Buffer.alloc(0);

const isBlank = (byte: number): boolean => BLANKS.has(byte);

/**
 * Cuts a byte stream into messages, whatever the chunks. It takes time linear in the number of
 * bytes.
 *
 *     between ──start byte──► inside ──end bytes──► between
 *        │ other bytes: junk     │ start byte: restart
 *
 * Without a start byte in the framing, the first byte that is not blank begins a message. A first
 * end byte that is not followed by the second one is part of the message.
 */
export class FrameReader implements FrameSource {
  readonly #framing: Framing;
  readonly #message: PendingMessage;
  #inside = false;
  /** The last byte seen was the first of two end bytes; it is not in `#message` yet. */
  #endBegun = false;
  /** One or two letters that may begin a header without a start byte. */
  #held = NOTHING;
  #over = false;

  constructor(framing: Framing, limit: number, share = UNLIMITED) {
    this.#framing = framing;
    this.#message = new PendingMessage(limit, share);
  }

  /** Whether a message has begun and not ended. */
  get open(): boolean {
    return this.#inside;
  }

  /** Bytes of the open message so far. */
  get pending(): number {
    return this.#message.size;
  }

  /** Whether all that is missing is the last end byte: a lenient reader may take the message after a pause. */
  get almostEnded(): boolean {
    return this.#framing.lenient && this.#endBegun;
  }

  /** Ends the open message although its last end byte did not come. */
  finish(): Buffer {
    return this.#take();
  }

  atEnd(): Buffer | undefined {
    return this.almostEnded ? this.finish() : undefined;
  }

  push(chunk: Buffer): FoundFrame[] {
    const found: FoundFrame[] = [];
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = NOTHING;
    while (rest.length > 0 && !this.#over) {
      rest = this.#inside ? this.#readInside(rest, found) : this.#readBetween(rest, found);
    }
    return found;
  }

  /** Looks for the beginning of a message; returns what follows it. */
  #readBetween(bytes: Buffer, found: FoundFrame[]): Buffer {
    const { start, lenient } = this.#framing;
    let first = 0;
    while (first < bytes.length && isBlank(bytes[first] ?? 0)) first++;
    if (first === bytes.length) return NOTHING;
    if (start === undefined || (lenient && this.#isHeader(bytes, first))) {
      this.#inside = true;
      return bytes.subarray(first);
    }
    if (this.#held.length > 0) return NOTHING;
    const at = bytes.indexOf(start, first);
    const junk = bytes.subarray(first, at < 0 ? bytes.length : at);
    if (junk.length > 0) found.push({ kind: 'junk', bytes: junk });
    this.#inside = at >= 0;
    return at < 0 ? NOTHING : bytes.subarray(at + 1);
  }

  /** Whether a header segment begins here; what may become one with the next chunk is held back. */
  #isHeader(bytes: Buffer, first: number): boolean {
    // nearly always, and not to be read as a word
    if (bytes[first] === this.#framing.start) return false;
    const word = bytes.toString('latin1', first, first + 3);
    if (HEADERS.includes(word)) return true;
    const mayBecome = word.length < 3 && HEADERS.some((header) => header.startsWith(word));
    if (mayBecome) this.#held = bytes.subarray(first);
    return false;
  }

  /** Looks for the end of the open message; returns what follows it. */
  #readInside(bytes: Buffer, found: FoundFrame[]): Buffer {
    const [first, second] = this.#framing.end;
    if (this.#endBegun) {
      this.#endBegun = false;
      if (this.#isEnd(bytes, -1)) return this.#end(bytes, -1, found);
      this.#add(Buffer.of(first), found);
    }
    let at = bytes.indexOf(first);
    while (at >= 0 && !this.#isEnd(bytes, at) && at + 1 < bytes.length) {
      at = bytes.indexOf(first, at + 1);
    }
    if (at >= 0 && this.#isEnd(bytes, at)) {
      this.#keep(bytes.subarray(0, at), found);
      return this.#over ? NOTHING : this.#end(bytes, at, found);
    }
    this.#endBegun = at >= 0 && second !== undefined;
    this.#keep(at >= 0 ? bytes.subarray(0, at) : bytes, found);
    return NOTHING;
  }

  /** Whether the first end byte at `at` (−1: the last of the chunk before) ends the message. */
  #isEnd(bytes: Buffer, at: number): boolean {
    const { start, end, lenient } = this.#framing;
    const [, second] = end;
    const next = bytes[at + 1];
    return second === undefined || next === second || (lenient && next === start);
  }

  #end(bytes: Buffer, at: number, found: FoundFrame[]): Buffer {
    const [, second] = this.#framing.end;
    found.push({ kind: 'frame', body: this.#take() });
    return bytes.subarray(at + (second !== undefined && bytes[at + 1] === second ? 2 : 1));
  }

  /** Adds bytes to the open message; a start byte among them restarts it. */
  #keep(bytes: Buffer, found: FoundFrame[]): void {
    const { start } = this.#framing;
    const restart = start === undefined ? -1 : bytes.lastIndexOf(start);
    if (restart >= 0) {
      found.push({ kind: 'restart', lost: this.#message.size + restart });
      this.#message.drop();
    }
    this.#add(restart < 0 ? bytes : bytes.subarray(restart + 1), found);
  }

  #add(bytes: Buffer, found: FoundFrame[]): void {
    if (this.#over || bytes.length === 0) return;
    const over = this.#message.add(bytes);
    if (over === undefined) return;
    this.#over = true;
    found.push(over);
  }

  #take(): Buffer {
    this.#inside = false;
    this.#endBegun = false;
    return this.#message.take();
  }
}
