import { inbound, type SettingsFault, setting } from 'waybill/adapter';
import { poll } from 'waybill/peer';
import { productOf } from './connect.ts';
import type { RowReader } from './delivery.ts';
import { KeyReader, nullKeys, whereKey } from './key-reader.ts';
import { MarkReader } from './mark-reader.ts';
import { SqlFailure, thrown } from './sql-failure.ts';
import { connectionFaults, refuseFaults } from './sql-faults.ts';
import { SqlLine } from './sql-line.ts';
import { sqlSettings } from './sql-settings.ts';
import { trySql } from './sql-test.ts';
import { query, rowStatement } from './statement.ts';

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
    const product = await productOf(values.product);
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
