import { DisableError, inbound, type SettingsFault, setting } from 'waybill/adapter';
import { PassingSet, poll } from 'waybill/peer/basics';
import { productOf } from './connect.ts';
import type { Column, Limit, Prepared, Product, Row } from './database.ts';
import { type ReaderLent, RowDelivery, type RowReader, type RowReaderOptions } from './delivery.ts';
import { KeyReader, nullKeys, placeOf, refuseTwins, whereKey } from './key-reader.ts';
import { fingerprint, rowJson } from './row-json.ts';
import { SqlFailure, thrown } from './sql-failure.ts';
import { connectionFaults, refuseFaults } from './sql-faults.ts';
import { type AtWork, SqlLine } from './sql-line.ts';
import { sqlSettings } from './sql-settings.ts';
import { trySql } from './sql-test.ts';
import { prepared, query, type RowStatement, rowStatement } from './statement.ts';

const settings = {
  ...sqlSettings,
  query: {
    ...query,
    help: 'Which rows are taken. With key, an order and a limit are added to it.',
    example: 'SELECT id, mrn, code, value FROM results',
  },
  key: setting.list(setting.text({ help: 'The name of a column of the query.' }), {
    help: 'The column by which rows are read in ascending order, such as an increasing number; the position is saved. It must be unique and must not be NULL. Several columns are combined, such as [changed_at, id].',
    example: 'id',
  }),
  start: setting.list(setting.text({ help: 'The value of a key column.' }), {
    help: 'Where to begin if nothing has been read yet: rows up to this key are ignored. One value for each column of key; left out, all rows are taken.',
    example: '"120000"',
  }),
  after: setting.list(rowStatement, {
    help: 'How to mark a row as taken once its message is stored: statements in the transaction in which the row was read. Each name in braces is a column of the row.',
    example: 'UPDATE results SET sent = TRUE WHERE id = {id}',
  }),
  rows: setting.choice(
    {
      each: 'Each row is a message: a JSON object',
      batch: 'Rows that are read together form one message: a JSON array of objects',
    },
    { help: 'What a message is.', default: 'each' },
  ),
  batch: setting.integer({
    help: 'The most rows to read at a time: in a transaction, and in a message with rows: batch.',
    default: 100,
    minimum: 1,
    maximum: 10_000,
  }),
  every: setting.duration({
    help: 'The pause between two polls.',
    default: '10s',
  }),
  remember: setting.integer({
    help: 'With key: how many of the last keys are checked again, for rows that were committed after others with a higher key.',
    default: 100,
    minimum: 1,
    maximum: 5_000,
    advanced: true,
  }),
};

export type SqlInValues = setting.ValuesOf<typeof settings>;

/** A query that removes its rows itself, without statements that mark them. */
export const takesItself = ({ query: text }: Pick<SqlInValues, 'query'>): boolean =>
  !/^\s*(?:select|table|values)\b/i.test(text) &&
  /\b(?:delete|update|insert|call|exec|execute)\b/i.test(text);

export default inbound({
  type: 'sql-in',
  title: 'Databases, reading',
  summary:
    'Delivers the rows of a query as JSON, each once: by an increasing key, or with statements that mark or delete what was taken.',
  polling: true,
  settings,
  check: (values) => Promise.resolve(faults(values)),
  async open(lent) {
    const { settings: values, event } = lent;
    refuseFaults(faults(values));
    const product = await productOf(values);
    const line = new SqlLine(lent, product);
    const told = async <Value>(work: () => Promise<Value>): Promise<Value> => {
      try {
        return await work();
      } catch (error) {
        throw thrown(error, line.place);
      }
    };
    try {
      await told(() => line.open());
      const origin = `${values.product}://${line.place}${values.product === 'sqlite' ? '' : `/${values.database}`}`;
      const reader: RowReader =
        values.key.length > 0
          ? new KeyReader(lent, { line, product, origin })
          : new MarkReader(lent, { line, product, origin });
      await told(() => reader.begin());
      const looking = poll(values.every, lent, (signal) =>
        told(() => withoutTie(() => reader.look(signal), event)),
      );
      return {
        async close() {
          await looking.close();
          await line.close();
        },
      };
    } catch (error) {
      await line.close();
      throw error;
    }
  },
  test: ({ settings: values, ...lent }, step) =>
    trySql({ ...lent, settings: values }, step, trials(values), async (at, product) => {
      if (values.key.length === 0) return;
      await step('key', async (detail) => {
        const rows = await nullKeys(at, product, values);
        detail(
          rows === 0
            ? `every row has ${values.key.join(', ')}`
            : `${rows} rows have no ${values.key.join(' or ')} (NULL) and are never taken`,
        );
      });
    }),
});

function trials(
  values: SqlInValues,
): { statement: { texts: readonly string[] }; values: number }[] {
  const { query: text, key, after } = values;
  const read = key.length === 0 ? text : whereKey(text, '1 = 1');
  return [
    { statement: { texts: [read] }, values: 0 },
    ...after.map((statement) => ({ statement, values: statement.values.length })),
  ];
}

/** Another transaction conflicted: the rows are read again in the next poll. */
async function withoutTie(
  look: () => Promise<void>,
  event: (level: 'info', name: string, text: string) => void,
): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (!(error instanceof SqlFailure) || error.problem !== 'deadlock') throw error;
    event(
      'info',
      'rows-in-use',
      'Others changed rows while they were being taken. They are read again.',
    );
  }
}

const NOTHING_MARKS: SettingsFault = {
  path: ['query'],
  what: 'nothing says which rows were taken, so every poll would deliver all of them',
  remedy: 'Set key, or statements that mark rows under after.',
};
const BOTH: SettingsFault = {
  path: ['after'],
  what: 'cannot be combined with key',
  remedy: 'Keep one of them: both say what was taken.',
};
const UNSEEN_CHANGE: SettingsFault = {
  path: ['query'],
  what: 'a row that is changed while it is taken is marked without the change on MySQL, and on MariaDB before 10.6.18',
  remedy: 'Add FOR UPDATE SKIP LOCKED to the query.',
  severity: 'warning',
};
const WITH_WITHIN: SettingsFault = {
  path: ['query'],
  what: 'begins with WITH, which SQL Server does not allow inside the query that key adds',
  remedy: 'Make a view of it, or write it without WITH.',
};
const ORDERED: SettingsFault = {
  path: ['query'],
  what: 'has ORDER BY or FOR UPDATE',
  remedy: 'Remove it: rows are read in the order of key.',
};

function faults(values: SqlInValues): SettingsFault[] {
  const { key, after, query: text, product } = values;
  const found = connectionFaults(values);
  if (key.length > 0) return [...found, ...keyFaults(values)];
  if (after.length === 0 && !takesItself(values)) found.push(NOTHING_MARKS);
  if (after.length > 0 && product === 'mysql' && !/\bfor\s+update\b/i.test(text)) {
    found.push(UNSEEN_CHANGE);
  }
  return found;
}

function keyFaults({ key, after, start, query: text, product }: SqlInValues): SettingsFault[] {
  const found: SettingsFault[] = [];
  if (product === 'sqlserver' && /^\s*with\b/i.test(text)) found.push(WITH_WITHIN);
  if (after.length > 0) found.push(BOTH);
  if (/\border\s+by\b(?![^(]*\))|\bfor\s+update\b/i.test(text)) found.push(ORDERED);
  if (key.some((one) => one.trim() === '')) {
    found.push({ path: ['key'], what: 'has an empty name', remedy: 'Name a column.' });
  }
  if (start.length > 0 && start.length !== key.length) {
    found.push({
      path: ['start'],
      what: 'needs one value for each column of key',
      remedy: 'Give as many values as columns.',
    });
  }
  return found;
}

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
class MarkReader implements RowReader {
  readonly #lent: ReaderLent;
  readonly #line: SqlLine;
  readonly #product: Product;
  readonly #delivery: RowDelivery;
  readonly #limit: Limit;
  #round = 0;
  readonly #delivered = new PassingSet<string>();

  constructor(lent: ReaderLent, { line, product, origin }: RowReaderOptions) {
    this.#lent = lent;
    this.#line = line;
    this.#product = product;
    this.#delivery = new RowDelivery(lent, origin);
    this.#limit = { rows: lent.settings.batch, bytes: MOST_BYTES };
  }

  async begin(): Promise<void> {
    const text = await this.#lent.memory.read();
    if (text === undefined) return;
    const kept = JSON.parse(text) as Partial<Kept>;
    this.#round = kept.round ?? 0;
    for (const id of kept.delivered ?? []) this.#delivered.add(id);
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
      const took = await this.#takeRows(at, marksFor(this.#lent.settings.after, columns), found);
      await this.#commit(at, took);
      return took.marked > 0 && took.goesOn;
    } catch (error) {
      await at.rollback();
      throw error;
    }
  }

  async #takeRows(at: AtWork, marks: readonly Mark[], found: readonly Found[]): Promise<Took> {
    const took: Took = { ids: [], marked: 0, goesOn: true };
    const isBatch = this.#lent.settings.rows === 'batch';
    const due: Found[] = [];
    try {
      for (const group of isBatch ? [found] : found.map((one) => [one])) {
        const isDelivered = await this.#deliver(group, took);
        if (!took.goesOn) break;
        if (isDelivered) due.push(...group);
        // a connection that is lost takes no more with it
        if (due.length >= at.together || !at.session.alive)
          await this.#mark(at, marks, due.splice(0), took);
      }
      await this.#mark(at, marks, due, took);
      return took;
    } catch (error) {
      // what was delivered is not delivered again, although the transaction is rolled back
      await this.#note();
      throw error;
    }
  }

  /** What was delivered before is not delivered again. */
  async #deliver(group: readonly Found[], took: Took): Promise<boolean> {
    const rows = group.filter(({ id }) => !this.#delivered.has(id));
    if (rows.length === 0) return true;
    const isBatch = this.#lent.settings.rows === 'batch';
    const texts = rows.map(({ json }) => json);
    const json = isBatch ? `[${texts.join(',')}]` : (texts[0] ?? '');
    const key = `${this.#round} ${fingerprint(rows.map(({ id }) => id).join())}`;
    try {
      await this.#delivery.hand(json, key);
    } catch (error) {
      const how = this.#delivery.failed(error);
      // The others continue past a row that is never accepted, which stays in the table.
      if (how === 'later' || this.#takesItself || isBatch) took.goesOn = false;
      return false;
    }
    for (const { id } of rows) this.#delivered.add(id);
    return true;
  }

  /** Marks rows that were stored. */
  async #mark(
    at: AtWork,
    marks: readonly Mark[],
    due: readonly Found[],
    took: Took,
  ): Promise<void> {
    const statements: Prepared[] = [];
    for (const { row } of due) {
      for (const { statement, places } of marks) {
        const values = places.map((place) => row[place] ?? null);
        statements.push(prepared(statement, values, this.#product));
      }
    }
    const results = await at.runAll(statements, this.#limit);
    let first = 0;
    for (const { id } of due) {
      this.#marked(id, this.#takesItself || (results[first]?.count ?? 0) > 0, took);
      first += marks.length;
    }
  }

  #marked(id: string, isMarked: boolean, took: Took): void {
    if (isMarked) {
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

/** A statement under `after`, and where the values that it names stand in a row. */
interface Mark {
  readonly statement: RowStatement;
  readonly places: readonly number[];
}

const marksFor = (after: readonly RowStatement[], columns: readonly Column[]): readonly Mark[] =>
  after.map((statement) => ({
    statement,
    places: statement.values.map((name) => {
      const place = placeOf(columns, name);
      if (place !== undefined) return place;
      throw new DisableError(
        `A statement under after names {${name}}, which the query does not return. Add the column to the query.`,
      );
    }),
  }));
