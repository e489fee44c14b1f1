import { describe, expect, test } from 'vitest';
import sqlLookup from '../../../adapters/sql/sql-lookup.ts';
import { lend, testSteps } from '../../support/open-adapter.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';

let tables = 0;

/** Code tables that are loaded from a query. */
export function describeLookups(database: () => SqlDatabase): void {
  const table = async (...rows: readonly string[]): Promise<string> => {
    const name = `codes_${++tables}`;
    await database().ask(`CREATE TABLE ${name} (code VARCHAR(20), name VARCHAR(40), n INT)`);
    if (rows.length > 0) await database().ask(`INSERT INTO ${name} VALUES ${rows.join(',')}`);
    return name;
  };
  const load = async (
    query: string,
    given: Readonly<Record<string, unknown>> = {},
  ): Promise<Record<string, string>> => {
    const { lent } = lend(
      sqlLookup.settings,
      { ...database().given(), query, ...given },
      database().options,
    );
    return Object.fromEntries(await sqlLookup.load(lent));
  };

  describe('a code table', () => {
    test('has a key and a value from each row, as texts', async () => {
      const name = await table("('W1', 'Ward ''One''', 1)", "('W2', NULL, 2)");
      expect(await load(`SELECT code, name FROM ${name}`)).toEqual({ W1: "Ward 'One'", W2: '' });
      expect(await load(`SELECT n, code FROM ${name}`)).toEqual({ 1: 'W1', 2: 'W2' });
    });

    test.for([
      ['a key twice', ["('W1', 'a', 1)", "('W1', 'b', 2)"], /1 whose key another row has/],
      ['no key', ["(NULL, 'a', 1)", "('W1', 'b', 2)"], /1 rows without a key/],
      ['no rows', [], /returned no rows/],
    ] as const)('with %s is not taken, and tried again', async ([, rows, why]) => {
      const name = await table(...rows);
      await expect(load(`SELECT code, name FROM ${name}`)).rejects.toMatchObject({
        code: 'ADAPTER_TEMPORARY',
        message: expect.stringMatching(why),
      });
    });

    test('may be empty where that is said', async () => {
      const name = await table();
      expect(await load(`SELECT code, name FROM ${name}`, { empty: 'take' })).toEqual({});
    });

    test('of more rows than it may have, or with other columns, is a mistake', async () => {
      const name = await table("('W1', 'a', 1)", "('W2', 'b', 2)", "('W3', 'c', 3)");
      await expect(load(`SELECT code, name FROM ${name}`, { most: 2 })).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/more than 2 rows/),
      });
      await expect(load(`SELECT code, name, n FROM ${name}`)).rejects.toThrow(/returns 3 columns/);
      await expect(load('SELECT a, b FROM nowhere')).rejects.toThrow(/does not exist/);
    });

    test('is tried step by step, with the number of its rows', async () => {
      const name = await table("('W1', 'a', 1)", "('W2', 'b', 2)");
      const given = { ...database().given(), query: `SELECT code, name FROM ${name}` };
      const steps = await testSteps(sqlLookup, given, database().options);
      expect(steps.filter(({ result }) => result !== 'passed')).toEqual([]);
      expect(steps.at(-1)).toMatchObject({ name: 'rows', detail: '2 rows' });
    });
  });
}
