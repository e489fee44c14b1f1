import { partOf } from '../segment/part.ts';
import { finding, type Hl7Finding, type Hl7Place } from './finding.ts';

/** A line that opens or closes a batch, or begins a message; `''` for any other. */
export type BatchLine = 'FHS' | 'BHS' | 'MSH' | 'BTS' | 'FTS' | '';

/** How many characters of a line are read: a count is at its beginning. */
export const LINE_HEAD = 200;

/** What a line is, by its first characters. */
export function batchLine(head: string, separator: string): BatchLine {
  const text = head.slice(0, 4).trimEnd();
  const isSegment = text.length === 3 || text[3] === separator;
  return isSegment ? (NAMES.find((name) => name === text.slice(0, 3)) ?? '') : '';
}

const NAMES = ['FHS', 'BHS', 'MSH', 'BTS', 'FTS'] as const;

const FIRST: ReadonlySet<number | undefined> = new Set(NAMES.map((name) => name.charCodeAt(0)));

/** Of most lines the first byte tells that `batchLine` is `''`. */
export const mayBeBatchLine = (first: number | undefined): boolean => FIRST.has(first);

/** Compares a batch with the counts in its trailers, line by line. */
export class BatchTally {
  readonly #separator: string;
  readonly #findings: Hl7Finding[] = [];
  #line = 0;
  #messages = 0;
  #inMessage = false;
  #envelopes = 0;
  #batches = 0;
  #trailers = 0;
  #inBatch = 0;
  #openBatch = false;
  #openFile = false;

  constructor(separator: string) {
    this.#separator = separator;
  }

  /** Takes the next line. `head` returns its first characters; for most lines it is not called. */
  take(name: BatchLine, head: () => string): void {
    this.#line += 1;
    if (name === '') {
      if (!this.#inMessage && head().trim() !== '') {
        this.#find(`Line ${this.#line} is outside a message.`, ['']);
      }
      return;
    }
    this.#inMessage = name === 'MSH';
    if (name === 'MSH') {
      this.#messages += 1;
      this.#inBatch += 1;
      return;
    }
    this.#envelopes += 1;
    this.#envelope(name, partOf(head(), this.#separator, 2).trim());
  }

  /** `single`: one message; `batch`: in FHS or BHS; `several`: more than one MSH without either. */
  get kind(): 'single' | 'batch' | 'several' {
    return this.#envelopes > 0 ? 'batch' : this.#messages > 1 ? 'several' : 'single';
  }

  /** The fault, known once all lines have been taken. */
  finish(): readonly Hl7Finding[] {
    if (this.#openBatch) this.#find('BHS without BTS.', ['BHS', this.#batches]);
    if (this.#openFile) this.#find('FHS without FTS.', ['FHS']);
    return this.#findings;
  }

  #envelope(name: Exclude<BatchLine, 'MSH' | ''>, promised: string): void {
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
      this.#count(['BTS', this.#trailers], promised, this.#inBatch);
      this.#inBatch = 0;
    } else {
      this.#openFile = false;
      this.#count(['FTS', 1], promised, this.#batches);
    }
  }

  /** A count that is not a number is ignored. */
  #count([segment, index]: [string, number], promised: string, found: number): void {
    if (!/^\d+$/.test(promised) || Number(promised) === found) return;
    this.#find(`${segment}-1 is ${promised}, found ${found}.`, [segment, index, 1], '102');
  }

  #find(text: string, place: Hl7Place, code = '100'): void {
    this.#findings.push(finding('warning', code, text, place));
  }
}
