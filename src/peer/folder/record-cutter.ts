import { Buffer } from 'node:buffer';
import { EngineError } from '../../error/engine-error.ts';
import { describeSize } from '../../time/size.ts';
import { asBuffer } from '../as-buffer.ts';

/** How a file of records is cut. */
export interface Cut {
  /** How many records each part has, besides the header. */
  readonly every: number;
  /** How many records at the beginning each part begins with. */
  readonly header: number;
  /** Whether a line end inside quotes belongs to a value. */
  readonly quotes: boolean;
}

/** Some records of a file, after its header. */
export interface RecordPart {
  readonly body: Uint8Array;
  /** The number of its last record, from 1, the header not counted. */
  readonly upTo: number;
}

/** A part is held in memory, and rules and transforms read bodies up to this size. */
const MOST = 32 * 1024 * 1024;

const [FEED, RETURN, QUOTE, BLANK] = [0x0a, 0x0d, 0x22, 0x20];
/** A byte order mark, behind which the first record begins. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];
/** What separates values: a quote behind one of these, or at the beginning of a record, opens a quoted value. */
const BEFORE_QUOTE: ReadonlySet<number> = new Set([0x2c, 0x3b, 0x09, 0x7c]);

/**
 * Cuts a file of lines or delimited records while it is read, so that one of any size takes the memory of one part. Blank
 * lines are no records. Each byte of the file is in one part, those of the header in all.
 */
export class RecordCutter {
  readonly #cut: Cut;
  readonly #skip: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #header: Uint8Array = new Uint8Array();
  #headersLeft: number;
  /** Records that ended in this part, and in all. */
  #count = 0;
  #total = 0;
  #quoted = false;
  #afterReturn = false;
  #hasContent = false;
  /** The byte before; 0 at the beginning of a record. */
  #before = 0;
  /** How much of a byte order mark has come; undefined behind it. */
  #mark: number | undefined = 0;

  /** `skip`: how many records were delivered before; the first part begins behind them. */
  constructor(cut: Cut, skip = 0) {
    this.#cut = cut;
    this.#skip = skip;
    this.#headersLeft = cut.header;
  }

  /** Throws MESSAGE_TOO_LARGE for a part above 32 MB, MESSAGE_INVALID for UTF-16. */
  async *parts(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<RecordPart, void, undefined> {
    let isFirst = true;
    for await (const chunk of chunks) {
      if (isFirst) refuseUtf16(chunk);
      isFirst = false;
      yield* this.#read(asBuffer(chunk));
    }
    if (this.#hasContent) this.#endRecord();
    // a file with nothing but a header is told of by a message, too
    const isEmpty = this.#total === 0 && this.#skip === 0;
    if (this.#count > 0 || isEmpty) yield this.#part();
  }

  *#read(chunk: Buffer): Generator<RecordPart, void, undefined> {
    let start = 0;
    const end = (at: number): boolean => {
      this.#keep(chunk.subarray(start, at));
      start = at;
      return this.#endRecord();
    };
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#afterReturn) {
        this.#afterReturn = false;
        const isFeed = byte === FEED;
        if (end(isFeed ? at + 1 : at)) yield this.#part();
        if (isFeed) continue;
      }
      if (this.#isInside(byte)) continue;
      if (byte === RETURN) this.#afterReturn = true;
      else if (byte === FEED && end(at + 1)) yield this.#part();
    }
    this.#keep(chunk.subarray(start));
  }

  /** Whether a byte belongs to a record, and is not what ends it. */
  #isInside(byte: number): boolean {
    const before = this.#before;
    this.#before = this.#isMark(byte) ? 0 : byte;
    if (byte === QUOTE && this.#cut.quotes) {
      const opens = before === 0 || before === QUOTE || BEFORE_QUOTE.has(before);
      this.#quoted = this.#quoted ? false : opens;
    }
    if (byte > BLANK) this.#hasContent = true;
    return this.#quoted || (byte !== FEED && byte !== RETURN);
  }

  /** Whether a byte is of the byte order mark at the beginning of the file. */
  #isMark(byte: number): boolean {
    if (this.#mark === undefined) return false;
    const isMark = byte === MARK[this.#mark];
    this.#mark = isMark ? this.#mark + 1 : undefined;
    return isMark;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size > MOST) throw tooLarge(this.#quoted);
  }

  /** Whether that completes a part. */
  #endRecord(): boolean {
    this.#before = 0;
    if (!this.#hasContent) return false;
    this.#hasContent = false;
    if (this.#headersLeft > 0) {
      this.#headersLeft -= 1;
      if (this.#headersLeft === 0) this.#header = this.#taken();
      return false;
    }
    this.#total += 1;
    if (this.#total <= this.#skip) {
      this.#taken();
      return false;
    }
    this.#count += 1;
    return this.#count === this.#cut.every;
  }

  #taken(): Buffer {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    return bytes;
  }

  #part(): RecordPart {
    this.#count = 0;
    return {
      body: Buffer.concat([this.#header, this.#taken()]),
      upTo: Math.max(this.#total, 1),
    };
  }
}

/** With a byte order mark, or without one: the first character of nearly every file is one of ASCII. */
function refuseUtf16(chunk: Uint8Array): void {
  const [first, second] = chunk;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (!isMarked && first !== 0 && second !== 0) return;
  throw new EngineError('MESSAGE_INVALID', 'It is in UTF-16, which is not cut into records.');
}

function tooLarge(quoted: boolean): EngineError {
  const why = quoted
    ? 'A quote is not closed; with quotes: false a line end always ends a record'
    : 'Write a smaller every';
  return new EngineError(
    'MESSAGE_TOO_LARGE',
    `Its records make a message of more than ${describeSize(MOST)}. ${why}.`,
  );
}
