import type { Column, Limit, Result, Row } from './database.ts';
import { weight } from './row-json.ts';

/** The rows of the first result that has any, as far as they fit; a procedure may return several results. */
export class KeptRows {
  readonly #limit: Limit;
  #columns: readonly Column[] | undefined;
  #isFirst = true;
  readonly #rows: Row[] = [];
  #bytes = 0;
  #more = false;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get columns(): readonly Column[] {
    return this.#columns ?? [];
  }

  /** Whether rows that arrive now belong to the result that is kept. */
  get isWanted(): boolean {
    return this.#isFirst && !this.#more;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** A result with rows begins. */
  begin(columns: readonly Column[]): void {
    this.#isFirst = this.#columns === undefined;
    this.#columns ??= columns;
  }

  add(row: Row): void {
    if (!this.isWanted) return;
    this.#bytes += weight(row);
    const fits =
      this.#rows.length < this.#limit.rows &&
      (this.#bytes <= this.#limit.bytes || this.#rows.length === 0);
    if (fits) this.#rows.push(row);
    else this.#more = true;
  }

  result(count: number): Result {
    return { columns: this.columns, rows: this.#rows, more: this.#more, count };
  }
}
