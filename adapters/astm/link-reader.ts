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
const SIGNS: ReadonlyMap<number, 'ENQ' | 'ACK' | 'NAK' | 'EOT'> = new Map([
  [ENQ, 'ENQ'],
  [ACK, 'ACK'],
  [NAK, 'NAK'],
  [EOT, 'EOT'],
]);

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
  #frame: number[] | undefined;
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
    for (const byte of chunk) {
      const one = this.#frame === undefined ? this.#outside(byte, noise) : this.#inside(byte);
      if (one === undefined) continue;
      tellNoise(noise, said);
      said.push(one);
    }
    tellNoise(noise, said);
    return said;
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

  #inside(byte: number): Said | undefined {
    const frame = this.#frame ?? [];
    if (this.#missing !== undefined) {
      frame.push(byte);
      this.#missing -= 1;
      return this.#missing === 0 ? this.#end(frame) : undefined;
    }
    if (byte === STX) {
      this.#begin();
      return undefined;
    }
    if (byte === ENQ || byte === EOT) {
      this.#frame = undefined;
      return { kind: byte === ENQ ? 'ENQ' : 'EOT' };
    }
    frame.push(byte);
    if (byte === ETX || byte === ETB) this.#missing = 2;
    if (frame.length <= LONGEST) return undefined;
    this.#frame = undefined;
    return { kind: 'bad-frame', why: `is longer than ${LONGEST} bytes` };
  }

  #begin(): void {
    this.#frame = [];
    this.#missing = undefined;
  }

  #end(frame: readonly number[]): Said {
    this.#frame = undefined;
    const bytes = Buffer.from(frame);
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
