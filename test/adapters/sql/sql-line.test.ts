import { expect, test } from 'vitest';
import type { SqlSession } from '../../../adapters/sql/database.ts';
import { AtWork } from '../../../adapters/sql/sql-line.ts';

/** What a server that signs in and then stands still answers. */
const nothing = () => new Promise<never>(() => undefined);

test('a statement ends although the server answers neither it nor the order to cancel it', async () => {
  const session = { run: nothing, cancel: nothing, alive: true } as unknown as SqlSession;
  using at = new AtWork(session, 1, 10);
  const statement = { text: 'SELECT 1', values: [] };
  await expect(at.run(statement, { rows: 1, bytes: 1 })).rejects.toThrow(/did not answer in time/);
  expect(at.givenUp).toBe(true);
});

test('a statement whose connection ended while its driver said nothing is given up by its signal', async () => {
  const session = { run: nothing, cancel: nothing, alive: false } as unknown as SqlSession;
  const stop = new AbortController();
  const at = new AtWork(session, Number.POSITIVE_INFINITY);
  at.obey(stop.signal);
  const ran = at.run({ text: 'SELECT 1', values: [] }, { rows: 1, bytes: 1 });
  at[Symbol.dispose]();
  stop.abort(new Error('stopped'));
  await expect(ran).rejects.toThrow('stopped');
});

test('statements of which a session carries out some at a time are all carried out, each once and in turn', async () => {
  const ran: string[] = [];
  const runSome: SqlSession['runSome'] = (statements) => {
    const some = statements.slice(0, 2);
    ran.push(...some.map(({ text }) => text));
    return Promise.resolve(
      some.map(({ text }) => ({ columns: [], rows: [], more: false, count: Number(text) })),
    );
  };
  const session = { runSome, alive: true } as unknown as SqlSession;
  using at = new AtWork(session, 1_000);
  const texts = Array.from({ length: 205 }, (_, index) => String(index));
  const statements = texts.map((text) => ({ text, values: [] }));
  const results = await at.runAll(statements, { rows: 1, bytes: 1 });
  expect(ran).toEqual(texts);
  expect(results.map(({ count }) => String(count))).toEqual(texts);
});
