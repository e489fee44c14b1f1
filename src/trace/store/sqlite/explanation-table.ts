import { hash } from 'node:crypto';
import type { Explanation } from '../../../message/record.ts';
import type { TraceFile } from './trace-file.ts';

const REMEMBERED = 2_000;

/** Explanations, each different one stored once: a router explains most of its messages in the same few ways. */
export class ExplanationTable {
  readonly #file: TraceFile;
  readonly #numbers = new Map<string, number>();
  /** Messages that took the same way have the same object. */
  #known = new WeakMap<Explanation, number>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** Only within a transaction. */
  number(explanation: Explanation): number {
    const known = this.#known.get(explanation) ?? this.#find(explanation);
    this.#known.set(explanation, known);
    return known;
  }

  #find(explanation: Explanation): number {
    const json = JSON.stringify(explanation);
    const known = this.#numbers.get(json);
    if (known !== undefined) return known;
    const digest = hash('sha256', json, 'buffer').subarray(0, 16);
    const row = this.#file.first<{ id: number }>('SELECT id FROM explanation WHERE hash=?', digest);
    const number =
      row?.id ??
      this.#file.insert('INSERT INTO explanation(hash, json) VALUES(?, ?)', digest, json);
    if (this.#numbers.size >= REMEMBERED) this.#numbers.clear();
    this.#numbers.set(json, number);
    return number;
  }

  get(number: number): Explanation | undefined {
    const row = this.#file.first<{ json: string }>(
      'SELECT json FROM explanation WHERE id=?',
      number,
    );
    return row === undefined ? undefined : (JSON.parse(row.json) as Explanation);
  }

  forget(): void {
    this.#numbers.clear();
    this.#known = new WeakMap();
  }
}
