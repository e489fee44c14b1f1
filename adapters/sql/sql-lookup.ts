import { DisableError, lookupTable, type SettingsFault, setting } from 'waybill/adapter';
import { tableEntries } from 'waybill/peer/basics';
import { connect, productOf } from './connect.ts';
import type { Row } from './database.ts';
import { cellText } from './row-json.ts';
import { thrown } from './sql-failure.ts';
import { connectionFaults, refuseFaults } from './sql-faults.ts';
import { AtWork } from './sql-line.ts';
import { placeOfDatabase, sqlSettings } from './sql-settings.ts';
import { trySql } from './sql-test.ts';
import { query } from './statement.ts';

const { idle: _, ...reach } = sqlSettings;

const settings = {
  ...reach,
  query: {
    ...query,
    help: 'The content of the table: the first column is the key, the second the value; a third one is an error.',
    example: 'SELECT code, name FROM wards WHERE closed IS NULL',
  },
  most: setting.integer({
    help: 'A query that returns more rows is an error. The table is kept in memory, and is always loaded as a whole.',
    default: 50_000,
    minimum: 1,
    maximum: 1_000_000,
  }),
  empty: setting.choice(
    {
      keep: 'a query without rows leaves the table as it was, because the source is usually being refilled',
      take: 'a query without rows empties the table',
    },
    { help: 'What a query without rows means.', default: 'keep' },
  ),
};

type SqlLookupValues = setting.ValuesOf<typeof settings>;

const MOST_BYTES = 256 * 1024 * 1024;

const faults = (values: SqlLookupValues): SettingsFault[] =>
  connectionFaults({ ...values, idle: 0 });

export default lookupTable({
  type: 'sql-lookup',
  title: 'Databases, code tables',
  summary:
    'Loads a code table from a query at intervals; expressions and code look up the rows in memory.',
  settings,
  check: (values) => Promise.resolve(faults(values)),
  async load(lent) {
    const values = { ...lent.settings, idle: 0 };
    refuseFaults(faults(values));
    const place = placeOfDatabase(values);
    const product = await productOf(values);
    try {
      const session = await connect({ ...lent, settings: values }, product, lent.signal);
      try {
        using at = new AtWork(session, values.timeout);
        at.obey(lent.signal);
        const { columns, rows, more } = await at.run(
          { text: values.query, values: [] },
          { rows: values.most, bytes: MOST_BYTES },
        );
        if (columns.length !== 2) throw twoColumns(columns.length);
        if (more) throw tooMany(values.most);
        return entriesOf(rows, values.empty);
      } finally {
        await session.close();
      }
    } catch (error) {
      throw thrown(error, place);
    }
  },
  test: ({ settings: values, ...lent }, step) =>
    trySql(
      { ...lent, settings: { ...values, idle: 0 } },
      step,
      [{ statement: { texts: [values.query] }, values: 0 }],
      async (at) => {
        await step('rows', async (detail) => {
          const { columns, rows, more } = await at.run(
            { text: values.query, values: [] },
            { rows: values.most, bytes: MOST_BYTES },
          );
          if (columns.length !== 2) throw twoColumns(columns.length);
          if (more) throw tooMany(values.most);
          detail(`${entriesOf(rows, 'take').size} rows`);
        });
      },
    ),
});

const twoColumns = (count: number): DisableError =>
  new DisableError(
    `The query returns ${count} columns, but a table has two: the key and the value. Correct the query.`,
  );

const tooMany = (most: number): DisableError =>
  new DisableError(
    `The query returns more than ${most} rows, or more than ${MOST_BYTES} bytes. Narrow the query, or raise most.`,
  );

const entriesOf = (
  rows: readonly Row[],
  empty: SqlLookupValues['empty'],
): ReadonlyMap<string, string> => tableEntries(rows, { empty, source: 'query', text: cellText });
