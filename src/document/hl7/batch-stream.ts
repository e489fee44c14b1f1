import { Buffer } from 'node:buffer';
import { EngineError } from '../../error/engine-error.ts';
import { describeSize } from '../../time/size.ts';
import { buffered } from '../charset.ts';
import { BatchTally, batchLine, LINE_HEAD } from './batch-tally.ts';
import { DEFAULT_DELIMITERS, delimitersAt } from './delimiters.ts';
import { headerStart } from './header.ts';

/** A message of a stream. */
export interface StreamPart {
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The stream is this single message, from first byte to last. */
  readonly whole: boolean;
}

/**
 * Splits a batch while it is read, as `hl7Batch` does in memory. Never more than one message is
 * held, and at most `most` bytes of it: a single larger message is passed on as a stream.
 */
export class BatchStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #most: number;
  readonly #lines = new BatchLines();
  #separator: string = DEFAULT_DELIMITERS.field;
  #tally: BatchTally | undefined;
  /** What comes before the first message. */
  #before: Uint8Array[] = [];
  #message: Uint8Array[] | undefined;
  #size = 0;
  #hasParts = false;
  #isOver = false;

  constructor(chunks: AsyncIterable<Uint8Array>, most: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#most = most;
  }

  /**
   * Consume each before asking for the next. Throws MESSAGE_TOO_LARGE for a message of a batch
   * above the limit, MESSAGE_INVALID for a batch without messages.
   */
  async *parts(): AsyncGenerator<StreamPart, void, undefined> {
    try {
      for (let ended = false; !ended && !this.#isOver; ) {
        const pieces = await this.#next();
        ended = pieces.ended;
        yield* this.#finished(pieces.all);
      }
      if (!this.#isOver) yield* this.#last();
    } finally {
      await this.#chunks.return?.();
    }
  }

  *#finished(pieces: Generator<LinePiece, void, undefined>): Generator<StreamPart> {
    for (const piece of pieces) {
      const finished = this.#take(piece);
      if (finished !== undefined) {
        this.#hasParts = true;
        yield { body: finished, whole: false };
      }
      if (this.#size > this.#most) {
        if (!this.#isSingle) throw this.#tooLarge();
        yield { body: this.#streamed(pieces), whole: true };
        this.#isOver = true;
        return;
      }
    }
  }

  *#last(): Generator<StreamPart> {
    if (this.#isSingle || this.#message !== undefined) {
      const body = Buffer.concat([...this.#before, ...(this.#message ?? [])]);
      yield { body, whole: this.#isSingle };
    } else if (!this.#hasParts) {
      throw new EngineError('MESSAGE_INVALID', 'The batch contains no message.');
    }
  }

  /** The fault of the batch, known once its parts have been read. */
  oddities(): readonly string[] {
    return (this.#tally?.finish() ?? []).map(({ text }) => text);
  }

  get #isSingle(): boolean {
    return this.#tally === undefined || this.#tally.kind === 'single';
  }

  async #next(): Promise<{ ended: boolean; all: Generator<LinePiece, void, undefined> }> {
    const next = await this.#chunks.next();
    const ended = next.done === true;
    return { ended, all: next.done === true ? this.#lines.end() : this.#lines.read(next.value) };
  }

  /** Takes in one piece; returns the message that it ends. */
  #take({ bytes, head }: LinePiece): Buffer | undefined {
    const name = head === undefined ? '' : this.#counted(head);
    if (name === '') {
      this.#keep(bytes);
      return undefined;
    }
    const finished = this.#message === undefined ? undefined : Buffer.concat(this.#message);
    if (!this.#isSingle) this.#before = [];
    this.#message = name === 'MSH' ? [] : undefined;
    this.#size = this.#before.reduce((sum, one) => sum + one.byteLength, 0);
    if (name === 'MSH') this.#keep(bytes);
    return finished;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#message !== undefined) this.#message.push(bytes);
    else if (this.#isSingle) this.#before.push(bytes);
    else return;
    this.#size += bytes.byteLength;
  }

  #counted(head: string): ReturnType<typeof batchLine> {
    if (this.#tally === undefined) {
      const isHeader = headerStart(head) === 0;
      const delimiters = isHeader ? delimitersAt(head, 0) : undefined;
      this.#separator = (delimiters ?? DEFAULT_DELIMITERS).field;
      this.#tally = new BatchTally(this.#separator);
    }
    const name = batchLine(head, this.#separator);
    this.#tally.take(name, () => head);
    return name;
  }

  /**
   * The rest of a large message. Only when the next one begins does it turn out to be one of
   * several: then none was delivered.
   */
  async *#streamed(begun: Iterator<LinePiece>): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.concat([...this.#before, ...(this.#message ?? [])]);
    this.#before = [];
    this.#message = [];
    let pieces = { ended: false, all: begun };
    for (;;) {
      for (let piece = pieces.all.next(); piece.done !== true; piece = pieces.all.next()) {
        const { bytes, head } = piece.value;
        if (head !== undefined && this.#counted(head) !== '') throw this.#tooLarge();
        yield bytes;
      }
      if (pieces.ended) return;
      pieces = await this.#next();
    }
  }

  #tooLarge(): EngineError {
    return new EngineError(
      'MESSAGE_TOO_LARGE',
      `It contains several messages, one of them larger than ${describeSize(this.#most)}. Set batch to whole, or have the sender put such a message into a separate file.`,
    );
  }
}

/** A piece of a stream. All pieces together are the stream, byte for byte. */
interface LinePiece {
  readonly bytes: Uint8Array;
  /** The first characters of the line that this piece begins; undefined for blanks between lines and for the rest of a line. */
  readonly head: string | undefined;
}

const CR = 13;
const LF = 10;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Cuts a stream where its lines begin. LF ends lines only if it ends the first; blanks and a BOM
 * before a line are not part of it.
 */
class BatchLines {
  #mark: number | undefined;
  #phase: 'blank' | 'head' | 'rest' = 'blank';
  #head = '';
  #pieces: Uint8Array[] = [];
  /** How many bytes of a BOM the stream begins with. */
  #bom = 0;

  *read(bytes: Uint8Array): Generator<LinePiece, void, undefined> {
    const chunk = buffered(bytes);
    let at = 0;
    while (at < chunk.length) {
      if (this.#phase === 'blank') {
        const end = this.#endOfBlank(chunk, at);
        if (end > at) yield { bytes: chunk.subarray(at, end), head: undefined };
        at = end;
      } else if (this.#phase === 'head') {
        const [end, isWhole] = this.#readHead(chunk, at);
        if (isWhole) yield this.#headPiece();
        at = end;
      } else {
        const mark = this.#markIn(chunk, at, chunk.length);
        const end = mark < 0 ? chunk.length : mark + 1;
        yield { bytes: chunk.subarray(at, end), head: undefined };
        if (mark >= 0) this.#phase = 'blank';
        at = end;
      }
    }
  }

  /** The last line, if nothing ends it. */
  *end(): Generator<LinePiece, void, undefined> {
    if (this.#pieces.length > 0) yield this.#headPiece();
  }

  #endOfBlank(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && chunk[at] === BOM[this.#bom]) {
      this.#bom++;
      at++;
    }
    while (at < chunk.length && (chunk[at] ?? 0) <= 32) at++;
    if (at === chunk.length) return at;
    this.#phase = 'head';
    this.#bom = BOM.length;
    return at;
  }

  /** Where the line ends in the chunk, and whether it is complete. */
  #readHead(chunk: Buffer, from: number): readonly [end: number, isWhole: boolean] {
    const most = Math.min(chunk.length, from + LINE_HEAD - this.#head.length);
    const mark = this.#markIn(chunk, from, most);
    const end = mark < 0 ? most : mark;
    this.#head += chunk.toString('latin1', from, end);
    this.#pieces.push(chunk.subarray(from, end));
    const isWhole = mark >= 0 || this.#head.length >= LINE_HEAD;
    if (isWhole) this.#phase = 'rest';
    return [end, isWhole];
  }

  #headPiece(): LinePiece {
    const piece = { bytes: Buffer.concat(this.#pieces), head: this.#head };
    this.#pieces = [];
    this.#head = '';
    return piece;
  }

  #markIn(chunk: Buffer, from: number, to: number): number {
    const part = chunk.subarray(from, to);
    if (this.#mark === undefined) {
      const cr = part.indexOf(CR);
      const lf = part.indexOf(LF);
      if (cr >= 0 || lf >= 0) this.#mark = cr < 0 || (lf >= 0 && lf < cr) ? LF : CR;
    }
    const found = this.#mark === undefined ? -1 : part.indexOf(this.#mark);
    return found < 0 ? -1 : from + found;
  }
}
