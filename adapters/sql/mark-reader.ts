import { DisableError } from 'waybill/adapter';
import type { Cell, Column, Limit, Product, Row } from './database.ts';
import { Delivery, type ReaderLent, type ReaderParts, type RowReader } from './delivery.ts';
import { refuseTwins } from './key-reader.ts';
import { fingerprint, rowJson } from './row-json.ts';
import type { AtWork, SqlLine } from './sql-line.ts';
import { prepared, type RowStatement } from './statement.ts';

const MOST_BYTES = 16 * 1024 * 1024;
/** How many delivered rows may be unmarked before the reader stops. */
const MOST_UNMARKED = 10_000;

/** What is saved between two runs. */
interface Kept {
  /** Part of the keys by which the engine recognises a row again after a crash; changes with each commit. */
  readonly round: number;
  /** Delivered rows that may not have been marked yet. */
  readonly delivered: readonly string[];
}

interface Found {
  readonly row: Row;
  readonly json: string;
  readonly id: string;
}

/**
 * Reads rows and marks them in one transaction. Which rows were delivered is saved before the commit: if that fails or
 * its result is unknown, they are marked and not delivered again.
 */
export class MarkReader implements RowReader {
  readonly #lent: ReaderLent;
  readonly #line: SqlLine;
  readonly #product: Product;
  readonly #delivery: Delivery;
  readonly #limit: Limit;
  #round = 0;
  #delivered = new Set<string>();

  constructor(lent: ReaderLent, { line, product, origin }: ReaderParts) {
    this.#lent = lent;
    this.#line = line;
    this.#product = product;
    this.#delivery = new Delivery(lent, origin);
    this.#limit = { rows: lent.settings.batch, bytes: MOST_BYTES };
  }

  async begin(): Promise<void> {
    const text = await this.#lent.memory.read();
    if (text === undefined) return;
    const kept = JSON.parse(text) as Partial<Kept>;
    this.#round = kept.round ?? 0;
    this.#delivered = new Set(kept.delivered ?? []);
  }

  async look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#line.use(signal, (at) => this.#takeSome(at)))) {
      // there may be more
    }
  }

  /** One transaction. False if there was nothing to take, or the engine accepts nothing now. */
  async #takeSome(at: AtWork): Promise<boolean> {
    await at.begin();
    try {
      const { columns, rows, more } = await at.run(
        { text: this.#lent.settings.query, values: [] },
        this.#limit,
      );
      refuseTwins(columns);
      this.#refuseMoreThanFits(more);
      const found = rows.map((row): Found => {
        const json = rowJson(columns, row);
        return { row, json, id: fingerprint(json) };
      });
      if (!more) await this.#keepOnly(found);
      if (rows.length === 0) {
        await at.rollback();
        return false;
      }
      // From here on what was delivered is marked, even if the host stops.
      at.goOnToTheEnd();
      const took = await this.#takeRows(at, columns, found);
      await this.#commit(at, took);
      return took.marked > 0 && took.goesOn;
    } catch (error) {
      await at.rollback();
      throw error;
    }
  }

  async #takeRows(at: AtWork, columns: readonly Column[], found: readonly Found[]): Promise<Took> {
    const took: Took = { ids: [], marked: 0, goesOn: true };
    const isBatch = this.#lent.settings.rows === 'batch';
    try {
      for (const group of isBatch ? [found] : found.map((one) => [one])) {
        const fresh = group.filter(({ id }) => !this.#delivered.has(id));
        const isDelivered = await this.#deliver(fresh, took);
        if (!took.goesOn) break;
        for (const one of isDelivered ? group : []) await this.#mark(at, columns, one, took);
      }
      return took;
    } catch (error) {
      // what was delivered is not delivered again, although the transaction is rolled back
      await this.#note();
      throw error;
    }
  }

  async #deliver(rows: readonly Found[], took: Took): Promise<boolean> {
    if (rows.length === 0) return true;
    const isBatch = this.#lent.settings.rows === 'batch';
    const texts = rows.map(({ json }) => json);
    const json = isBatch ? `[${texts.join(',')}]` : (texts[0] ?? '');
    const key = fingerprint(rows.map(({ id }) => id).join());
    const how = await this.#delivery.deliver(json, `${this.#round} ${key}`);
    if (how === 'stored') {
      for (const { id } of rows) this.#delivered.add(id);
      return true;
    }
    // The others continue past a row that is never accepted, which stays in the table.
    if (how === 'later' || this.#takesItself || isBatch) took.goesOn = false;
    return false;
  }

  async #mark(
    at: AtWork,
    columns: readonly Column[],
    { row, id }: Found,
    took: Took,
  ): Promise<void> {
    const { after } = this.#lent.settings;
    let changed = this.#takesItself ? 1 : 0;
    for (const [index, statement] of after.entries()) {
      const values = valuesOf(statement, columns, row);
      const { count } = await at.run(prepared(statement, values, this.#product), this.#limit);
      if (index === 0) changed = count;
    }
    if (changed > 0) {
      took.marked += 1;
      took.ids.push(id);
      return;
    }
    this.#delivery.tell(
      'row-not-marked',
      'A row was delivered, but the first statement under after changed nothing, so the row will be selected again. It is not delivered again: correct the statement.',
    );
    if (this.#delivered.size > MOST_UNMARKED) {
      throw new DisableError(
        `More than ${MOST_UNMARKED} rows were delivered and cannot be marked. Correct the statements under after.`,
      );
    }
  }

  async #commit(at: AtWork, took: Took): Promise<void> {
    await this.#note();
    // Only part: a query that removes its rows itself would lose those that were not delivered.
    if (this.#takesItself && !took.goesOn) return await at.rollback();
    await at.commit();
    for (const id of took.ids) this.#delivered.delete(id);
    this.#round += 1;
    await this.#note();
  }

  get #takesItself(): boolean {
    return this.#lent.settings.after.length === 0;
  }

  #refuseMoreThanFits(more: boolean): void {
    if (!more || !this.#takesItself) return;
    throw new DisableError(
      `The query removes more rows at once than batch allows (${this.#limit.rows}), or more than ${MOST_BYTES} bytes. Nothing was taken: limit the query.`,
    );
  }

  /** Forgets rows that were marked elsewhere or deleted: one that is reset must be delivered again. */
  async #keepOnly(found: readonly Found[]): Promise<void> {
    const seen = new Set(found.map(({ id }) => id));
    const gone = [...this.#delivered].filter((id) => !seen.has(id));
    if (gone.length === 0) return;
    for (const id of gone) this.#delivered.delete(id);
    await this.#note();
  }

  async #note(): Promise<void> {
    const kept: Kept = { round: this.#round, delivered: [...this.#delivered] };
    await this.#lent.memory.write(JSON.stringify(kept));
  }
}

interface Took {
  /** Rows that have been marked. */
  readonly ids: string[];
  marked: number;
  /** Whether the next rows may be tried. */
  goesOn: boolean;
}

function valuesOf({ values }: RowStatement, columns: readonly Column[], row: Row): readonly Cell[] {
  return values.map((name) => {
    const exact = columns.findIndex((one) => one.name === name);
    const place =
      exact >= 0
        ? exact
        : columns.findIndex((one) => one.name.toLowerCase() === name.toLowerCase());
    if (place >= 0) return row[place] ?? null;
    throw new DisableError(
      `A statement under after names {${name}}, which the query does not return. Add the column to the query.`,
    );
  });
}
