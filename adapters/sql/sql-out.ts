import {
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  type SettingsFault,
  setting,
  TemporaryError,
} from 'waybill/adapter';
import { UnderWay } from 'waybill/peer/basics';
import { productOf } from './connect.ts';
import type { Prepared, Product, Result } from './database.ts';
import { rowJson } from './row-json.ts';
import { SqlFailure, thrown } from './sql-failure.ts';
import { connectionFaults, refuseFaults } from './sql-faults.ts';
import { type AtWork, SqlLine } from './sql-line.ts';
import { sqlSettings } from './sql-settings.ts';
import { trySql } from './sql-test.ts';
import { messageStatement, prepared, valuesFor } from './statement.ts';

const settings = {
  ...sqlSettings,
  statements: setting.list(messageStatement, {
    help: 'What to do for each message, in one transaction: all of it or nothing. Each expression in braces is a value that is sent separately from the text: no content of a message can become part of a statement. CALL calls a procedure.',
    example: 'INSERT INTO patient (mrn, name) VALUES ({field("PID-3.1")}, {field("PID-5.1")})',
  }),
  empty: setting.choice(
    {
      null: 'An empty value is sent as NULL',
      text: 'An empty value is sent as an empty text',
    },
    {
      help: 'What an expression with an empty result means, such as a field that the message does not have.',
      default: 'null',
    },
  ),
  rows: setting.integer({
    help: 'How many rows of an answer are kept. Further ones are dropped, and the reply has the code MORE.',
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
  }),
};

type SqlOutValues = setting.ValuesOf<typeof settings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'sql-out',
  title: 'Databases, writing and asking',
  summary:
    'Executes statements and procedures with the values of each message, in one transaction, and returns their rows.',
  settings,
  replies: {
    OK: 'complete',
    NOTHING: 'complete',
    MORE: ['complete', 'warn'],
    // An earlier try whose result is unknown inserted the row.
    REPEATED: 'complete',
    DUPLICATE: 'fail',
    CONSTRAINT: 'fail',
    VALUE: 'fail',
    RAISED: 'fail',
    ERROR: 'fail',
    DEADLOCK: AGAIN,
    TIMEOUT: AGAIN,
    BUSY: AGAIN,
    FULL: AGAIN,
    // Every message would be refused.
    DENIED: 'stop',
    UNKNOWN: 'stop',
    SYNTAX: 'stop',
    none: AGAIN,
    other: 'fail',
  },
  check: (values) => Promise.resolve(faults(values)),
  async open(lent) {
    refuseFaults(faults(lent.settings));
    const product = await productOf(lent.settings);
    const line = new SqlLine(lent, product);
    try {
      await line.open();
    } catch (error) {
      await line.close();
      throw error;
    }
    return new SqlSender(lent, line, product);
  },
  test: (lent, step) =>
    trySql(
      lent,
      step,
      lent.settings.statements.map((statement) => ({ statement, values: statement.values.length })),
    ),
});

const faults = (values: SqlOutValues): SettingsFault[] => [
  ...connectionFaults(values),
  ...(values.statements.length === 0
    ? [{ path: ['statements'], what: 'is empty', remedy: 'Write at least one statement.' }]
    : []),
];

/** How many messages are remembered whose last try had an unknown result. */
const MOST_UNHEARD = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

class SqlSender implements OpenOutbound {
  readonly #settings: SqlOutValues;
  readonly #line: SqlLine;
  readonly #product: Product;
  readonly #sending = new UnderWay();
  readonly #unheard = new Set<number>();

  constructor(
    { settings: values }: Pick<Lent<typeof settings>, 'settings'>,
    line: SqlLine,
    product: Product,
  ) {
    this.#settings = values;
    this.#line = line;
    this.#product = product;
  }

  send(message: Message, signal: AbortSignal): Promise<Reply> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#line.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const statements = await this.#statements(message);
    const progress: Progress = { mayHaveTakenEffect: false };
    try {
      const results = await this.#line.use(signal, (at) =>
        this.#carryOut(at, statements, progress),
      );
      this.#unheard.delete(message.id);
      return this.#reply(results);
    } catch (error) {
      return this.#failed(error, message, progress);
    }
  }

  async #statements(message: Message): Promise<readonly Prepared[]> {
    const { statements, empty } = this.#settings;
    const all: Prepared[] = [];
    for (const one of statements) {
      all.push(prepared(one, await valuesFor(one, message, empty === 'null'), this.#product));
    }
    return all;
  }

  async #carryOut(
    at: AtWork,
    statements: readonly Prepared[],
    progress: Progress,
  ): Promise<readonly Result[]> {
    const limit = { rows: this.#settings.rows, bytes: MOST_BYTES };
    const [first] = statements;
    if (statements.length === 1 && first !== undefined && this.#product.isAtomic(first.text)) {
      progress.mayHaveTakenEffect = true;
      return [await at.run(first, limit)];
    }
    await at.begin();
    try {
      const results: Result[] = [];
      for (const statement of statements) results.push(await at.run(statement, limit));
      progress.mayHaveTakenEffect = true;
      await at.commit();
      return results;
    } catch (error) {
      await at.rollback();
      throw error;
    }
  }

  #failed(error: unknown, message: Message, { mayHaveTakenEffect }: Progress): Reply {
    const isUnheard = !(error instanceof SqlFailure) || error.problem === 'lost';
    if (isUnheard) {
      if (mayHaveTakenEffect) this.#remember(message.id);
      // The adapter stays open, because it knows which message may already be there.
      if (error instanceof SqlFailure) {
        throw new TemporaryError(
          `The connection to ${this.#line.place} was lost while a statement was being executed, and it is unknown whether it took effect. It is tried again; a unique key prevents a second row.`,
          { cause: error },
        );
      }
      throw thrown(error, this.#line.place);
    }
    const isRepeated =
      error.problem === 'duplicate' &&
      (message.possibleDuplicate === true || this.#unheard.has(message.id));
    this.#unheard.delete(message.id);
    return {
      body: Buffer.alloc(0),
      type: 'application/json',
      code: isRepeated ? 'REPEATED' : error.problem.toUpperCase(),
      text: [`${error.what}. ${error.remedy}.`, error.said].filter(Boolean).join('\n'),
    };
  }

  #remember(id: number): void {
    const [oldest] = this.#unheard;
    if (this.#unheard.size >= MOST_UNHEARD && oldest !== undefined) this.#unheard.delete(oldest);
    this.#unheard.add(id);
  }

  /** The rows of the last statement that returns any, and how many rows were changed in total. */
  #reply(results: readonly Result[]): Reply {
    const last = results.findLast(({ columns }) => columns.length > 0);
    const changed = results
      .filter(({ columns }) => columns.length === 0)
      .reduce((sum, { count }) => sum + count, 0);
    const rows = last?.rows.map((row) => rowJson(last.columns, row)) ?? [];
    const more = last?.more ?? false;
    const isNothing = rows.length === 0 && changed === 0;
    return {
      body: Buffer.from(
        `{"count":${last === undefined ? changed : changed + last.rows.length},"rows":[${rows.join(',')}]${more ? ',"more":true' : ''}}`,
      ),
      type: 'application/json',
      code: more ? 'MORE' : isNothing ? 'NOTHING' : 'OK',
      text: `${changed} changed, ${rows.length} returned`,
    };
  }
}

interface Progress {
  /** Whether something was sent that takes effect although its result is unknown. */
  mayHaveTakenEffect: boolean;
}
