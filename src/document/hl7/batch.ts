import type { Buffer } from 'node:buffer';
import { buffered } from '../charset.ts';
import { finding, type Hl7Finding, type Place } from './finding.ts';
import { hl7Header } from './header.ts';
import { partOf } from './part.ts';

/** The messages of a file or frame, and whether its own counts agree. */
export interface Hl7Batch {
  /** `single`: one message; `batch`: in FHS or BHS; `several`: more than one MSH without either. */
  readonly kind: 'single' | 'batch' | 'several';
  /** Each message from its MSH on, byte for byte and in order; parts of the same memory. */
  readonly messages: readonly Uint8Array[];
  readonly findings: readonly Hl7Finding[];
}

const ENVELOPE: ReadonlySet<string> = new Set(['FHS', 'BHS', 'MSH', 'BTS', 'FTS']);

/**
 * Takes a batch apart: FHS, BHS, messages, BTS, FTS, each envelope optional. Counts in BTS-1 and FTS-1 that
 * do not agree, and lines outside of a message, are findings. Linear in the size of the body.
 */
export function hl7Batch(bytes: Uint8Array): Hl7Batch {
  const buffer = buffered(bytes);
  const { delimiters } = hl7Header(buffer);
  const tally = new Tally(buffer, delimiters.field);
  for (const [start, end] of linesOf(buffer)) tally.take(start, end);
  return tally.finish();
}

/** Counts what the trailers promise. */
class Tally {
  readonly #buffer: Buffer;
  readonly #separator: string;
  readonly #messages: Uint8Array[] = [];
  readonly #findings: Hl7Finding[] = [];
  #message = -1;
  #line = 0;
  #envelopes = 0;
  #batches = 0;
  #trailers = 0;
  #inBatch = 0;
  #openBatch = false;
  #openFile = false;

  constructor(buffer: Buffer, separator: string) {
    this.#buffer = buffer;
    this.#separator = separator;
  }

  take(start: number, end: number): void {
    this.#line += 1;
    const name = this.#nameAt(start, end);
    if (name === '') {
      if (this.#message < 0 && !this.#isBlank(start, end)) {
        this.#find(`Line ${this.#line} is outside of a message.`, ['']);
      }
      return;
    }
    this.#endMessage(start);
    if (name === 'MSH') {
      this.#message = start;
      this.#inBatch += 1;
      return;
    }
    this.#envelopes += 1;
    this.#envelope(name, start, end);
  }

  finish(): Hl7Batch {
    this.#endMessage(this.#buffer.length);
    if (this.#openBatch) this.#find('BHS without BTS.', ['BHS', this.#batches]);
    if (this.#openFile) this.#find('FHS without FTS.', ['FHS']);
    const kind = this.#envelopes > 0 ? 'batch' : this.#messages.length > 1 ? 'several' : 'single';
    return { kind, messages: this.#messages, findings: this.#findings };
  }

  #envelope(name: string, start: number, end: number): void {
    if (name === 'FHS') this.#openFile = true;
    else if (name === 'BHS') {
      if (this.#openBatch) this.#find('BHS without BTS.', ['BHS', this.#batches]);
      this.#openBatch = true;
      this.#batches += 1;
      this.#inBatch = 0;
    } else if (name === 'BTS') {
      if (!this.#openBatch) this.#batches += 1;
      this.#openBatch = false;
      this.#trailers += 1;
      this.#count(['BTS', this.#trailers], this.#field(start, end), this.#inBatch);
      this.#inBatch = 0;
    } else {
      this.#openFile = false;
      this.#count(['FTS', 1], this.#field(start, end), this.#batches);
    }
  }

  /** A count that is no number promises nothing. */
  #count([segment, index]: [string, number], promised: string, found: number): void {
    if (!/^\d+$/.test(promised) || Number(promised) === found) return;
    this.#find(`${segment}-1 is ${promised}, found ${found}.`, [segment, index, 1], '102');
  }

  #endMessage(end: number): void {
    if (this.#message >= 0) this.#messages.push(this.#buffer.subarray(this.#message, end));
    this.#message = -1;
  }

  /** FHS, BHS, MSH, BTS or FTS; `''` for any other line. */
  #nameAt(start: number, end: number): string {
    const text = this.#buffer.toString('latin1', start, Math.min(start + 4, end)).trimEnd();
    const name = text.slice(0, 3);
    const isSegment = text.length === 3 || text[3] === this.#separator;
    return isSegment && ENVELOPE.has(name) ? name : '';
  }

  #field(start: number, end: number): string {
    const line = this.#buffer.toString('latin1', start, Math.min(end, start + 200));
    return partOf(line, this.#separator, 2).trim();
  }

  #isBlank(start: number, end: number): boolean {
    return this.#buffer.toString('latin1', start, Math.min(end, start + 80)).trim() === '';
  }

  #find(text: string, place: Place, code = '100'): void {
    this.#findings.push(finding('warning', code, text, place));
  }
}

/** Start and end of every line, blanks and a BOM before its first character left out. LF ends lines only if it ends the first. */
function* linesOf(buffer: Buffer): Generator<readonly [start: number, end: number]> {
  const first = Math.max(firstCharacter(buffer, 0), 0);
  const cr = buffer.indexOf(13, first);
  const lf = buffer.indexOf(10, first);
  const mark = cr < 0 || (lf >= 0 && lf < cr) ? 10 : 13;
  let at = 0;
  while (at < buffer.length) {
    const start = firstCharacter(buffer, at);
    if (start >= buffer.length) return;
    const found = buffer.indexOf(mark, start);
    const end = found < 0 ? buffer.length : found;
    yield [start, end];
    at = end + 1;
  }
}

function firstCharacter(buffer: Buffer, from: number): number {
  let at = from === 0 && buffer.toString('latin1', 0, 3) === '\u00ef\u00bb\u00bf' ? 3 : from;
  while (at < buffer.length && (buffer[at] ?? 0) <= 32) at++;
  return at;
}
