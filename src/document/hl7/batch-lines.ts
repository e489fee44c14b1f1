import { Buffer } from 'node:buffer';
import { buffered } from '../charset.ts';
import { LINE_HEAD } from './batch-tally.ts';

/** A piece of a stream. Pieces put together are the stream, byte for byte. */
export interface LinePiece {
  readonly bytes: Uint8Array;
  /** The first characters of the line that this piece begins; undefined for blanks between lines and for the rest of a line. */
  readonly head: string | undefined;
}

const CR = 13;
const LF = 10;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Cuts a stream where its lines begin. LF ends lines only if it ends the first; blanks and a BOM before a line are no part of it. */
export class BatchLines {
  #mark: number | undefined;
  #phase: 'blank' | 'head' | 'rest' = 'blank';
  #head = '';
  #pieces: Uint8Array[] = [];
  /** How many bytes of a BOM the stream began with. */
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

  /** The last line, where nothing ends it. */
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

  /** Where it ends in the chunk, and whether it is complete. */
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
