import { nextNumber } from './frame.ts';
import type { Said } from './link-reader.ts';

const CR = 0x0d;
const LF = 0x0a;
const [H, L] = ['H', 'L'].map((letter) => letter.charCodeAt(0));

type Frame = Extract<Said, { kind: 'frame' }>;

/** What has been received of a transmission. A refused frame does not change it. */
interface Progress {
  /** The open message; what is after `count` belongs to a refused frame. */
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
  /** Whether there is memory for an open message to grow from the old size to that size. */
  readonly grows: (from: number, to: number) => boolean;
  /** Stores a message; true if its last frame may be acknowledged. */
  readonly store: (message: Buffer) => Promise<boolean>;
  /** A message began again before the last one ended. */
  readonly brokenOff: (bytes: number) => void;
}

/** The answer to a frame. `too-large` ends the connection, because the device would repeat it forever. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why: string | undefined }
  | { readonly kind: 'too-large' };

const ACCEPTED: Verdict = { kind: 'accepted' };
const refused = (why: string | undefined): Verdict => ({ kind: 'refused', why });

/**
 * One transmission of a device, from its ENQ to its EOT: assembles frames into messages, H to L. A frame that
 * ends a message is acknowledged only once that is stored.
 */
export class Reception {
  readonly #options: ReceptionOptions;
  #progress = nothing();
  /** Of the last frame that was accepted. */
  #number: number | undefined;
  /** The stored messages of the frame in work: it may be repeated because another one was not. */
  #stored = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Bytes of the open message. */
  get pending(): number {
    return this.#progress.size;
  }

  async take(frame: Frame): Promise<Verdict> {
    // The acknowledgement was lost: the device repeats the frame (§6.4.1).
    if (frame.number === this.#number) return ACCEPTED;
    const expected = this.#number === undefined ? 1 : nextNumber(this.#number);
    if (frame.number !== expected) {
      return refused(`has the number ${frame.number} instead of ${expected}`);
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

  /** Drops what is open; returns how many bytes it was. */
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

/** Adds the text of a frame; returns its fault, if there is one. */
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
      return 'begins with a record other than H';
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

/** The parts of records in a frame; each ends with CR, except one that continues in the next frame. */
function piecesOf(text: Buffer, isLast: boolean): Buffer[] {
  const pieces: Buffer[] = [];
  const clean = text.includes(LF) ? Buffer.from(text.filter((byte) => byte !== LF)) : text;
  for (let at = 0; at < clean.length; ) {
    const end = clean.indexOf(CR, at);
    const next = end < 0 ? clean.length : end + 1;
    // an empty line is not a record
    if (next - at > 1 || end < 0) pieces.push(clean.subarray(at, next));
    at = next;
  }
  const last = pieces.at(-1);
  // A record ends with its last frame, with or without CR.
  if (isLast && last !== undefined && last.at(-1) !== CR) {
    pieces[pieces.length - 1] = Buffer.concat([last, Buffer.of(CR)]);
  }
  return pieces;
}
