import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { driverName, odbcLacks } from '../../support/odbc-database.ts';
import { openInbound, openOutbound, readGiven, testSteps } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const lacks = odbcLacks('sqlite');
const SECRET = 'not-to-be-shown';
const OPTIONS = { credentials: { lab: { kind: 'basic', user: 'lab', password: SECRET } } } as const;

test.each([
  ['a password in the connection string', { odbc: 'DSN=lab;PWD=x' }, 'odbc', /holds a password/],
  ['no connection string', {}, 'odbc', /is missing/],
  ['a server of its own', { odbc: 'DSN=lab', connect: 'h:1' }, 'connect', /has no effect/],
  ['TLS that the driver would not see', { odbc: 'DSN=lab', tls: {} }, 'tls', /has no effect/],
] as const)('the check tells %s', async (_, given, path, what) => {
  const values = readGiven(sqlOut.settings, { product: 'odbc', statements: 'SELECT 1', ...given });
  const faults = (await sqlOut.check?.(values)) ?? [];
  expect(faults).toContainEqual(
    expect.objectContaining({ path: [path], what: expect.stringMatching(what) }),
  );
});

test('a connection string is for ODBC only', async () => {
  const given = {
    product: 'mysql',
    odbc: 'DSN=lab',
    connect: 'h:1',
    database: 'd',
    statements: 'SELECT 1',
  };
  const faults = (await sqlOut.check?.(readGiven(sqlOut.settings, given))) ?? [];
  expect(faults.map(({ path }) => path.join('.'))).toContain('odbc');
});

describe.skipIf(lacks !== undefined)(
  `a driver of sqlite${lacks === undefined ? '' : `: ${lacks}`}`,
  () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let file: string;
    beforeAll(async () => {
      folder = await temporaryFolder('odbc');
      file = join(folder.path, 'lab.db');
      const database = new DatabaseSync(file);
      database.exec(
        "CREATE TABLE result (n INTEGER PRIMARY KEY, name VARCHAR(40)); INSERT INTO result VALUES (1, 'ä'), (2, 'b')",
      );
      database.close();
    });
    afterAll(() => folder[Symbol.asyncDispose]());

    const given = (more: object = {}): Record<string, unknown> => ({
      product: 'odbc',
      odbc: `Driver=${driverName('sqlite')};Database=${file}`,
      ...more,
    });

    test('rows are read by a key, and written rows are there once', async () => {
      await using opened = await openInbound(
        sqlIn,
        given({ query: 'SELECT n, name FROM result', key: 'n', every: '30ms' }),
      );
      await expect
        .poll(() => opened.delivered.map(({ body }) => JSON.parse(String(body))))
        .toEqual([
          { n: 1, name: 'ä' },
          { n: 2, name: 'b' },
        ]);
      await using out = await openOutbound(
        sqlOut,
        given({ statements: 'INSERT INTO result VALUES ({id}, {body()})' }),
      );
      expect(await out.send(Buffer.from('Müller'), { id: 3, type: 'text/plain' })).toMatchObject({
        code: 'OK',
      });
      expect(await out.send(Buffer.from('Müller'), { id: 3, type: 'text/plain' })).toMatchObject({
        code: 'DUPLICATE',
      });
      await expect.poll(() => opened.delivered.length).toBe(3);
    });

    test('a test tells the driver, and a table that is not there', async () => {
      const steps = await testSteps(
        sqlOut,
        given({ statements: 'SELECT * FROM nowhere' }),
        OPTIONS,
      );
      expect(steps.map(({ name }) => name)).toEqual(['sign-in', 'database', 'statements']);
      expect(steps.at(-1)).toMatchObject({
        result: 'failed',
        cause: expect.stringContaining('nowhere'),
      });
    });

    test.each([
      [
        'a data source that is not there',
        'DSN=nowhere',
        /no such ODBC data source or driver here \(IM002\): DSN=nowhere/,
      ],
      [
        'a library that is not there',
        'Driver=/nowhere/libodbc.so',
        /library of the ODBC driver for .* cannot be loaded/,
      ],
    ] as const)('%s stops the operation and says what to do', async (_, odbc, why) => {
      const opening = openOutbound(
        sqlOut,
        given({ odbc, credential: 'lab', statements: 'SELECT 1' }),
        OPTIONS,
      );
      await expect(opening).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(why),
      });
      await expect(opening).rejects.not.toThrow(SECRET);
    });
  },
);
