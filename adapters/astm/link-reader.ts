import { ACK, checksum, ENQ, EOT, ETB, ETX, NAK, STX } from './frame.ts';

/** What the other side says. */
export type Said =
  | { readonly kind: 'ENQ' | 'ACK' | 'NAK' | 'EOT' }
  | {
      readonly kind: 'frame';
      readonly number: number;
      readonly text: Buffer;
      /** It ends with ETX: the record is complete. */
      readonly isLast: boolean;
    }
  /** A frame that cannot be used; `why` follows "a frame". */
  | { readonly kind: 'bad-frame'; readonly why: string }
  /** Bytes that belong to no frame and have no meaning. */
  | { readonly kind: 'noise'; readonly bytes: Buffer };

/** LIS01 §8.4.1.2, with its framing. */
const LONGEST = 64_010;
/** Room for most frames: E1381 has 247 bytes. */
const LEAST = 256;
const SIGNS: ReadonlyMap<number, 'ENQ' | 'ACK' | 'NAK' | 'EOT'> = new Map([
  [ENQ, 'ENQ'],
  [ACK, 'ACK'],
  [NAK, 'NAK'],
  [EOT, 'EOT'],
]);

/** What ends the text of a frame. */
const MEANING: ReadonlySet<number> = new Set([STX, ETX, ETB, ENQ, EOT]);

/**
 * Parses what arrives over a link.
 *
 *     outside ──STX──► inside ──ETX or ETB and two more──► outside
 *        │ one byte: a signal   │ STX: the frame begins again; ENQ, EOT: it is dropped
 *
 * The CR LF after a frame is skipped outside: instruments leave it out, or half of it.
 */
export class LinkReader {
  readonly #checks: boolean;
  /** Holds the first `#size` bytes of the open frame. */
  #frame: Buffer | undefined;
  #size = 0;
  /** Bytes still missing after ETX or ETB; undefined before. */
  #missing: number | undefined;

  /** `checks`: whether a frame with a wrong checksum is refused. */
  constructor(checks: boolean) {
    this.#checks = checks;
  }

  /** Whether a frame has begun and not ended. */
  get open(): boolean {
    return this.#frame !== undefined;
  }

  push(chunk: Buffer): Said[] {
    const said: Said[] = [];
    const noise: number[] = [];
    for (let at = 0; at < chunk.length; ) {
      let one: Said | undefined;
      if (this.#frame === undefined) {
        one = this.#outside(chunk[at] ?? 0, noise);
        at += 1;
      } else {
        const isText = this.#missing === undefined;
        const end = isText ? this.#textEnd(chunk, at) : at;
        // of several bytes all but the last are text
        if (end > at) this.#add(chunk, at, end);
        at = end;
        if (isText && this.#size > LONGEST) one = this.#tooLong();
        else if (at < chunk.length) {
          one = this.#inside(chunk, at);
          at += 1;
        }
      }
      if (one === undefined) continue;
      tellNoise(noise, said);
      said.push(one);
    }
    tellNoise(noise, said);
    return said;
  }

  /** Where the text of the open frame ends: at a byte that means something, or once it is too long. */
  #textEnd(chunk: Buffer, from: number): number {
    const most = Math.min(chunk.length, from + LONGEST + 1 - this.#size);
    let at = from;
    while (at < most && !MEANING.has(chunk[at] ?? 0)) at++;
    return at;
  }

  /** Copied: bytes that come one by one would otherwise take a hundred times their size. */
  #add(chunk: Buffer, from: number, to: number): void {
    const size = this.#size + to - from;
    let frame = this.#frame ?? Buffer.alloc(0);
    if (size > frame.length) {
      const grown = Buffer.allocUnsafe(2 * size);
      frame.copy(grown, 0, 0, this.#size);
      this.#frame = frame = grown;
    }
    chunk.copy(frame, this.#size, from, to);
    this.#size = size;
  }

  #tooLong(): Said {
    this.#frame = undefined;
    return { kind: 'bad-frame', why: `is longer than ${LONGEST} bytes` };
  }

  #outside(byte: number, noise: number[]): Said | undefined {
    if (byte === STX) {
      this.#begin();
      return undefined;
    }
    const kind = SIGNS.get(byte);
    if (kind !== undefined) return { kind };
    if (byte !== 0x0d && byte !== 0x0a) noise.push(byte);
    return undefined;
  }

  /** A byte after ETX or ETB, or one that means something. */
  #inside(chunk: Buffer, at: number): Said | undefined {
    const byte = chunk[at];
    if (this.#missing !== undefined) {
      this.#add(chunk, at, at + 1);
      this.#missing -= 1;
      return this.#missing === 0 ? this.#end() : undefined;
    }
    if (byte === STX) {
      this.#begin();
      return undefined;
    }
    if (byte === ENQ || byte === EOT) {
      this.#frame = undefined;
      return { kind: byte === ENQ ? 'ENQ' : 'EOT' };
    }
    this.#add(chunk, at, at + 1);
    this.#missing = 2;
    return this.#size > LONGEST ? this.#tooLong() : undefined;
  }

  #begin(): void {
    this.#frame = Buffer.allocUnsafe(LEAST);
    this.#size = 0;
    this.#missing = undefined;
  }

  #end(): Said {
    const bytes = Buffer.from(this.#frame?.subarray(0, this.#size) ?? []);
    this.#frame = undefined;
    const counted = bytes.subarray(0, -2);
    const given = bytes.subarray(-2).toString('latin1');
    if (this.#checks && given.toUpperCase() !== checksum(counted)) {
      return { kind: 'bad-frame', why: 'has a wrong checksum' };
    }
    const number = (counted[0] ?? 0) - 0x30;
    if (counted.length < 2 || number < 0 || number > 7) {
      return { kind: 'bad-frame', why: 'has no number from 0 to 7' };
    }
    const isLast = counted.at(-1) === ETX;
    return { kind: 'frame', number, text: counted.subarray(1, -1), isLast };
  }
}

function tellNoise(noise: number[], said: Said[]): void {
  if (noise.length > 0) said.push({ kind: 'noise', bytes: Buffer.from(noise.splice(0)) });
}
