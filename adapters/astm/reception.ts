import { nextNumber } from './frame.ts';
import type { Said } from './link-reader.ts';

const CR = 0x0d;
const LF = 0x0a;
const [H, L] = ['H', 'L'].map((letter) => letter.charCodeAt(0));

type Frame = Extract<Said, { kind: 'frame' }>;

/** What came of a transmission so far. A frame that is refused leaves it as it was. */
interface Progress {
  /** Of the open message; what is behind `count` is of a frame that was refused. */
  readonly parts: Buffer[];
  readonly count: number;
  readonly size: number;
  /** The letter of the open record; undefined between two records. */
  readonly record: number | undefined;
}

const nothing = (): Progress => ({ parts: [], count: 0, size: 0, record: undefined });

export interface ReceptionOptions {
  /** Bytes of the largest message. */
  readonly limit: number;
  /** Whether there is memory for an open message of that size, in place of one of the size before. */
  readonly grows: (from: number, to: number) => boolean;
  /** Whether a message is stored: true lets its last frame be acknowledged. */
  readonly store: (message: Buffer) => Promise<boolean>;
  /** A message began anew before it had ended. */
  readonly brokenOff: (bytes: number) => void;
}

/** What is said to a frame. `too-large` ends the connection: the device would repeat it for ever. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why: string | undefined }
  | { readonly kind: 'too-large' };

const ACCEPTED: Verdict = { kind: 'accepted' };
const refused = (why: string | undefined): Verdict => ({ kind: 'refused', why });

/**
 * One transmission of a device, from its ENQ to its EOT: puts frames together to messages, H to L. A frame that
 * ends a message is accepted once that is stored, and never before.
 */
export class Reception {
  readonly #options: ReceptionOptions;
  #progress = nothing();
  /** Of the last frame that was accepted. */
  #number: number | undefined;
  /** Messages of the frame in work that are stored: it may come again for one that is not. */
  #stored = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Bytes of the message that has begun and not ended. */
  get pending(): number {
    return this.#progress.size;
  }

  async take(frame: Frame): Promise<Verdict> {
    // Its acknowledgement was lost: the device repeats it (§6.4.1).
    if (frame.number === this.#number) return ACCEPTED;
    const expected = this.#number === undefined ? 1 : nextNumber(this.#number);
    if (frame.number !== expected) {
      return refused(`has the number ${frame.number} and not ${expected}`);
    }
    const read = readFrame(this.#progress, frame);
    if (typeof read === 'string') return refused(read);
    const { progress, messages, dropped } = read;
    if (
      [progress.size, ...messages.map(({ length }) => length)].some(
        (size) => size > this.#options.limit,
      )
    ) {
      return { kind: 'too-large' };
    }
    for (const message of messages.slice(this.#stored)) {
      if (!(await this.#options.store(message))) return refused(undefined);
      this.#stored += 1;
    }
    if (!this.#options.grows(this.#progress.size, progress.size)) return refused(undefined);
    for (const bytes of dropped) this.#options.brokenOff(bytes);
    this.#stored = 0;
    this.#number = frame.number;
    this.#progress = progress;
    return ACCEPTED;
  }

  /** Gives up what is open; tells how many bytes that were. */
  end(): number {
    const { size } = this.#progress;
    this.#options.grows(size, 0);
    this.#progress = nothing();
    return size;
  }
}

interface ReadFrame {
  readonly progress: Progress;
  /** The messages that this frame ended. */
  readonly messages: readonly Buffer[];
  /** Sizes of messages that were open when another began. */
  readonly dropped: readonly number[];
}

/** What the text of a frame adds; what is wrong with it as a text. */
function readFrame(before: Progress, { text, isLast }: Frame): ReadFrame | string {
  const messages: Buffer[] = [];
  const dropped: number[] = [];
  let { parts, size, record } = before;
  parts.length = before.count;
  for (const piece of piecesOf(text, isLast)) {
    const isBeginning = record === undefined;
    record ??= piece[0];
    if (isBeginning && record === H) {
      if (size > 0) dropped.push(size);
      [parts, size] = [[], 0];
    } else if (size === 0) {
      return 'begins with another record than H';
    }
    parts.push(piece);
    size += piece.length;
    if (piece.at(-1) !== CR) continue;
    if (record === L) {
      messages.push(Buffer.concat(parts));
      [parts, size] = [[], 0];
    }
    record = undefined;
  }
  return { progress: { parts, count: parts.length, size, record }, messages, dropped };
}

/** The parts of records in a frame; each ends with CR, but for one that goes on in the next frame. */
function piecesOf(text: Buffer, isLast: boolean): Buffer[] {
  const pieces: Buffer[] = [];
  const bytes = text.filter((byte) => byte !== LF);
  const clean = Buffer.from(bytes);
  for (let at = 0; at < clean.length; ) {
    const end = clean.indexOf(CR, at);
    const next = end < 0 ? clean.length : end + 1;
    // an empty line is no record
    if (next - at > 1 || end < 0) pieces.push(clean.subarray(at, next));
    at = next;
  }
  const last = pieces.at(-1);
  // A record ends with its last frame, whether its CR came or not.
  if (isLast && last !== undefined && last.at(-1) !== CR) {
    pieces[pieces.length - 1] = Buffer.concat([last, Buffer.of(CR)]);
  }
  return pieces;
}
