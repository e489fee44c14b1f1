import type { WordSearch } from '../conditions.ts';
import type { Words } from '../message-columns.ts';
import type { TraceFile } from './trace-file.ts';

/** The word table of one file, remembered. */
export class WordTable implements Words, WordSearch {
  readonly like = 'LIKE';
  readonly #file: TraceFile;
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** The number of a text, which gets one if it has none. Only within a transaction. */
  number(text: string): number {
    const known = this.find(text);
    if (known !== undefined) return known;
    const number = this.#file.insert('INSERT INTO word(text) VALUES(?)', text);
    this.#remember(number, text);
    return number;
  }

  /** The number of a text, if this file has it. */
  find(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const row = this.#file.first<{ id: number }>('SELECT id FROM word WHERE text=?', text);
    if (row !== undefined) this.#remember(row.id, text);
    return row?.id;
  }

  /** The numbers of all texts that hold `part`, whatever its case. */
  matching(part: string): number[] {
    return this.#file
      .all<{ id: number }>('SELECT id FROM word WHERE instr(lower(text), lower(?)) > 0', part)
      .map(({ id }) => id);
  }

  text(number: number): string {
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const row = this.#file.first<{ text: string }>('SELECT text FROM word WHERE id=?', number);
    if (row === undefined) return '';
    this.#remember(number, row.text);
    return row.text;
  }

  forget(): void {
    this.#numbers.clear();
    this.#texts.clear();
  }

  #remember(number: number, text: string): void {
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
  }
}
