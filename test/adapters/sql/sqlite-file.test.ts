import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { sessionProcess } from '../../../adapters/sql/process-session.ts';
import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { isAlive } from '../../support/is-alive.ts';
import {
  type OpenedOutbound,
  openInbound,
  openOutbound,
  testSteps,
} from '../../support/open-adapter.ts';
import { sqliteDatabase } from '../../support/sqlite-database.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const database = await sqliteDatabase();
afterAll(() => database[Symbol.asyncDispose]());

type Given = Readonly<Record<string, unknown>>;

const open = (statements: string | readonly string[], more: Given = {}): Promise<OpenedOutbound> =>
  openOutbound(sqlOut, { ...database.given(), statements, ...more });
const send = (out: OpenedOutbound, body = 'x', id = 1): ReturnType<OpenedOutbound['send']> =>
  out.send(Buffer.from(body), { id, type: 'text/plain' });
const rowsOf = async (out: OpenedOutbound): Promise<unknown> =>
  (JSON.parse(String((await send(out))?.body.toString())) as { rows: unknown }).rows;

/** How the last step of a connection test of the file failed. */
async function tried(file: string): Promise<{ cause: string; remedy: string }> {
  const steps = await testSteps(sqlOut, { product: 'sqlite', file, statements: 'SELECT 1' });
  return { cause: steps.at(-1)?.cause ?? '', remedy: steps.at(-1)?.remedy ?? '' };
}

async function faultsOf(given: Given): Promise<string[]> {
  const base = { statements: [{}], security: 'tls', readOnly: false, database: '' };
  const faults = (await sqlOut.check?.({ ...base, ...given } as never)) ?? [];
  return faults.map(({ path, what }) => `${path.join('.')} ${what}`);
}

async function fileWith(
  ...statements: readonly string[]
): Promise<AsyncDisposable & { file: string }> {
  const folder = await temporaryFolder('sqlite file');
  const file = join(folder.path, 'a b?#ü.db');
  const made = new DatabaseSync(file);
  for (const one of statements) made.exec(one);
  made.close();
  return { file, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe('a slow statement', () => {
  test('holds nobody up, and is ended after timeout together with its process', async () => {
    const { words } = database;
    await using out = await open(`SELECT ${words.pause(60_000)} AS s`, { timeout: '700ms' });
    const turns = { count: 0, isOver: false };
    const turning = (async () => {
      for (; !turns.isOver; turns.count += 1) await sleep(10);
    })();
    expect(await send(out)).toMatchObject({ code: 'TIMEOUT' });
    turns.isOver = true;
    await turning;
    // on a thread that is held up there would be none
    expect(turns.count).toBeGreaterThan(15);
    await vi.waitFor(async () => expect(await database.running()).toEqual([]));
  });

  test('of an engine that is killed does not outlive it for longer than it takes', async () => {
    const script = `
      const { sqlite } = await import('./adapters/sql/sqlite.ts');
      const settings = { product: 'sqlite', file: ${JSON.stringify(database.file)}, readOnly: false, timeout: 60_000, connectTimeout: 60_000 };
      const session = await sqlite.connect({ settings, signal: new AbortController().signal });
      const { readFileSync } = await import('node:fs');
      console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim());
      setInterval(() => session, 1_000);
    `;
    const engine = spawn(
      process.execPath,
      ['--conditions=waybill-source', '--no-warnings', '--input-type=module', '-e', script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(createInterface({ input: engine.stdout }), 'line')) as [string];
    const pid = Number(line.split(' ')[0]);
    expect(isAlive(pid)).toBe(true);
    engine.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5_000);
  });
});

describe('try', () => {
  test('tells the file, as whom it is opened, and what SQLite it is', async () => {
    await database.ask('CREATE TABLE looked (n INTEGER)');
    const steps = await testSteps(sqlOut, {
      ...database.given(),
      statements: 'SELECT * FROM looked',
    });
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'file passed',
      'database passed',
      'statements passed',
    ]);
    expect(steps[0]?.detail).toMatch(/^runs as the account of this process, \w+/);
    expect(steps[1]?.detail).toMatch(/clinic\.db on SQLite 3\.\d/);
  });

  test('tells what is wrong with a file, and makes none', async () => {
    await using made = await fileWith();
    expect(await tried(`${made.file}.not`)).toMatchObject({
      cause: expect.stringMatching(/there is no such file/),
      remedy: expect.stringMatching(/Check the path/),
    });
    await expect(stat(`${made.file}.not`)).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(
      made.file,
      'not at all a database, and longer than its header of 100 bytes'.repeat(9),
    );
    expect(await tried(made.file)).toMatchObject({
      cause: expect.stringMatching(/not an SQLite database/),
    });
  });
});

describe('the file', () => {
  test('that is damaged stops the host and is named', async () => {
    await using made = await fileWith(
      'CREATE TABLE t (a TEXT)',
      `INSERT INTO t SELECT printf('%0900d', value) FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT 200) SELECT value FROM c)`,
    );
    const bytes = await readFile(made.file);
    bytes.fill(0xff, 4_096, 40_000);
    await writeFile(made.file, bytes);
    await using out = await open('SELECT count(a) AS n FROM t', { file: made.file });
    await expect(send(out)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/damaged/),
    });
  });

  test('that is taken away is waited for, and one in its place is read', async () => {
    await using made = await fileWith('CREATE TABLE t (a TEXT)', "INSERT INTO t VALUES ('old')");
    await using out = await open('SELECT a FROM t', { file: made.file });
    expect(await rowsOf(out)).toEqual([{ a: 'old' }]);
    await rename(made.file, `${made.file}.away`);
    await expect(send(out)).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
    await expect(stat(made.file)).rejects.toMatchObject({ code: 'ENOENT' });
    await copyFile(`${made.file}.away`, `${made.file}.new`);
    const other = new DatabaseSync(`${made.file}.new`);
    other.exec("UPDATE t SET a = 'new'");
    other.close();
    await rename(`${made.file}.new`, made.file);
    expect(await rowsOf(out)).toEqual([{ a: 'new' }]);
  });

  test('that another program has locked is waited for, then told as BUSY', async () => {
    await using made = await fileWith('CREATE TABLE t (a TEXT)');
    await using out = await open('INSERT INTO t VALUES ({body()})', {
      file: made.file,
      timeout: '2s',
    });
    const other = new DatabaseSync(made.file);
    other.exec('BEGIN EXCLUSIVE');
    expect(await send(out)).toMatchObject({ code: 'BUSY', text: expect.stringMatching(/locked/) });
    other.exec('ROLLBACK');
    other.close();
    expect(await send(out)).toMatchObject({ code: 'OK' });
  });

  test('that may not be written, by its rights or by readOnly', async () => {
    await using made = await fileWith('CREATE TABLE t (a TEXT)', "INSERT INTO t VALUES ('x')");
    await using reader = await open('DELETE FROM t', { file: made.file, readOnly: true });
    expect(await send(reader)).toMatchObject({ code: 'DENIED' });
    await using asks = await open('SELECT a FROM t', { file: made.file, readOnly: true });
    expect(await rowsOf(asks)).toEqual([{ a: 'x' }]);
    if (process.getuid?.() === 0) return;
    await chmod(made.file, 0o444);
    await using out = await open('DELETE FROM t', { file: made.file });
    expect(await send(out)).toMatchObject({ code: 'DENIED' });
  });

  test('that is cut short is no reason to make a new one', async () => {
    await using made = await fileWith('CREATE TABLE t (a TEXT)');
    await truncate(made.file, 0);
    await using out = await open('SELECT a FROM t', { file: made.file });
    expect(await send(out)).toMatchObject({ code: 'UNKNOWN' });
  });
});

describe('statements', () => {
  test.for([
    ['VALUE', 'INSERT INTO kinds (n) VALUES ({body()})', /datatype mismatch/],
    ['RAISED', 'DELETE FROM kinds', /kept for ever/],
    ['CONSTRAINT', 'INSERT INTO kinds (n) VALUES (-1)', /CHECK constraint failed: positive/],
    ['SYNTAX', 'BEGIN IMMEDIATE', /statement is not allowed/],
  ] as const)('%s: %s', async ([code, statement, says]) => {
    await database.ask(
      'CREATE TABLE IF NOT EXISTS kinds (n INTEGER PRIMARY KEY CONSTRAINT positive CHECK (n >= 0), a ANY) STRICT',
      "CREATE TRIGGER IF NOT EXISTS keep BEFORE DELETE ON kinds BEGIN SELECT RAISE(ABORT, 'kept for ever'); END",
      'INSERT OR IGNORE INTO kinds VALUES (1, 1)',
    );
    await using out = await open(statement);
    const reply = await send(out);
    expect(reply).toMatchObject({ code });
    expect(reply?.text).toMatch(says);
  });

  test('give each value as it is, whatever its column was declared as', async () => {
    await using out = await open([
      "SELECT 9007199254740993 AS big, 1.5 AS part, x'00ff' AS bytes, 'ü' AS txt, NULL AS gone, {true} AS yes",
    ]);
    expect(await rowsOf(out)).toEqual([
      { big: '9007199254740993', part: 1.5, bytes: 'AP8=', txt: 'ü', gone: null, yes: 1 },
    ]);
  });

  test('a key that is an expression is compared as what it gives', async () => {
    await database.ask(
      'CREATE TABLE loose (a, sent INT)',
      'INSERT INTO loose (a) VALUES (3), (20), (100)',
    );
    const given = {
      ...database.given(),
      query: 'SELECT a + 0 AS k FROM loose',
      key: 'k',
      batch: 1,
      remember: 1,
      every: '30ms',
    };
    await using opened = await openInbound(sqlIn, given);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
    expect(opened.delivered.map(({ body }) => body.toString())).toEqual([
      '{"k":3}',
      '{"k":20}',
      '{"k":100}',
    ]);
    expect(opened.delivered[0]?.origin).toBe(`sqlite://${database.file}`);
  });
});

test('check says what a file has no use for, and what a server lacks', async () => {
  const none = 'has no effect with product: sqlite, which is a local file';
  expect(await faultsOf({ product: 'sqlite' })).toEqual(['file is missing']);
  expect(
    await faultsOf({
      product: 'sqlite',
      file: '/x.db',
      connect: {},
      credential: 'c',
      database: 'd',
    }),
  ).toEqual([`connect ${none}`, `database ${none}`, `credential ${none}`]);
  expect(await faultsOf({ product: 'mysql', credential: 'c', file: '/x.db' })).toEqual([
    'connect is missing',
    'database is missing',
    'file is for SQLite only',
  ]);
});

describe('marks of several rows together', () => {
  test('if one fails, none counts; what was delivered comes no second time', async () => {
    await using made = await fileWith(
      'CREATE TABLE r (n INTEGER PRIMARY KEY, sent INT DEFAULT 0)',
      'INSERT INTO r (n) VALUES (1), (2), (3), (4), (5)',
      `CREATE TRIGGER no BEFORE UPDATE ON r WHEN NEW.n = 3 BEGIN SELECT RAISE(ABORT, 'not 3'); END`,
    );
    const given = {
      product: 'sqlite',
      file: made.file,
      query: 'SELECT n FROM r WHERE sent = 0 ORDER BY n',
      after: 'UPDATE r SET sent = 1 WHERE n = {n}',
      every: '20ms',
    };
    const unknown = await openInbound(sqlIn, { ...given, after: 'DELETE FROM r WHERE n = {m}' });
    await vi.waitFor(() => expect(unknown.lost).toHaveLength(1));
    await unknown.close();
    expect(unknown.delivered, 'nothing that could not be marked').toEqual([]);
    const lost = await openInbound(sqlIn, given);
    await vi.waitFor(() => expect(lost.lost).toHaveLength(1));
    await lost.close();
    expect(lost.delivered).toHaveLength(5);
    expect(marked(made.file)).toEqual([]);
    withDatabase(made.file, (at) => at.exec('DROP TRIGGER no'));
    await using again = await openInbound(sqlIn, given, { memory: lost.memory ?? '' });
    await vi.waitFor(() => expect(marked(made.file)).toEqual([1, 2, 3, 4, 5]));
    expect(again.delivered).toEqual([]);
  });

  test('a process answers for those that it could begin in time', async () => {
    await using made = await fileWith('CREATE TABLE r (n INTEGER)');
    const opening = { file: made.file, readOnly: false, patience: 1_000, together: 0 };
    const child = sessionProcess('sqlite-process', { given: opening, env: {} });
    const statements = [1, 2, 3].map((n) => ['INSERT INTO r VALUES (?)', [n]]);
    const answered = once(child, 'message');
    child.send([1, 1, 1, ...statements]);
    const [[, results]] = (await answered) as [[number, readonly unknown[]]];
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
    expect(results).toHaveLength(1);
  });
});

function withDatabase<Value>(file: string, work: (at: DatabaseSync) => Value): Value {
  const at = new DatabaseSync(file, { timeout: 5_000 });
  try {
    return work(at);
  } finally {
    at.close();
  }
}

const marked = (file: string): unknown[] =>
  withDatabase(file, (at) =>
    at
      .prepare('SELECT n FROM r WHERE sent = 1 ORDER BY n')
      .all()
      .map(({ n }) => n),
  );
