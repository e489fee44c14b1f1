import { expect, test } from 'vitest';
import type { SqlSession } from '../../../adapters/sql/database.ts';
import { AtWork } from '../../../adapters/sql/sql-line.ts';

/** What a server that signs in and then stands still answers. */
const nothing = () => new Promise<never>(() => undefined);

test('a statement ends although the server answers neither it nor the order to cancel it', async () => {
  const session = { run: nothing, cancel: nothing, alive: true } as unknown as SqlSession;
  const at = new AtWork(session, 1, new AbortController().signal, 10);
  const statement = { text: 'SELECT 1', values: [] };
  await expect(at.run(statement, { rows: 1, bytes: 1 })).rejects.toThrow(/did not answer in time/);
  expect(at.givenUp).toBe(true);
});
