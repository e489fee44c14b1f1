import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import sqlOut from '../../adapters/sql/sql-out.ts';
import { callerOf } from '../../src/message/caller.ts';
import { operationDefinition } from '../support/definition.ts';
import { readGiven } from '../support/open-adapter.ts';
import { hashOf, PASSWORD, portal } from '../support/portal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { traced } from '../support/traced.ts';

const ROWS = "INSERT INTO patient VALUES (1, 'Doe', 'W1'), (2, 'Roe', 'W2'), (3, 'Poe', NULL)";

test('a query answers each caller with the rows of their own ward, and nobody with others', async () => {
  await using folder = await temporaryFolder('rows');
  const file = join(folder.path, 'ward.db');
  using database = new DatabaseSync(file);
  database.exec('CREATE TABLE patient (id INT, name TEXT, ward TEXT)');
  database.exec(ROWS);
  const statements = ['SELECT name FROM patient WHERE ward = {claim("ward")}'];
  const settings = readGiven(sqlOut.settings, { product: 'sqlite', file, statements });
  await using one = await portal({
    settings: { answer: 'target' },
    operation: operationDefinition('orders', sqlOut, { settings }),
  });
  const url = one.urls[0] ?? '';
  const password = await hashOf(PASSWORD);
  one.users.set('carl', JSON.stringify({ password, ward: 'W2' }));
  one.users.set('dora', JSON.stringify({ password, ward: "W1' OR '1'='1" }));
  let last = 0;
  const rowsOf = async (user: string): Promise<unknown> => {
    const login = await fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, password: PASSWORD }),
    });
    const { accessToken } = (await login.json()) as { accessToken: string };
    const answer = await fetch(`${url}/api/patients?ward=W2`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    last = Number(answer.headers.get('x-message-id'));
    const { rows } = (await answer.json()) as { rows: unknown };
    return rows;
  };
  await vi.waitFor(async () => expect(await rowsOf('anna')).toEqual([{ name: 'Doe' }]));
  expect(await rowsOf('carl')).toEqual([{ name: 'Roe' }]);
  // no ward, and one that would be a part of the statement if values were
  expect(await rowsOf('berta')).toEqual([]);
  expect(await rowsOf('dora')).toEqual([]);
  await using trace = await traced(one.nats, { folder: folder.path, production: 'test' });
  await vi.waitFor(async () => {
    const message = await trace.store.message(last);
    expect(message && callerOf(message)).toEqual({
      name: 'dora',
      claims: { sub: 'dora', iss: 'portal', ward: "W1' OR '1'='1" },
    });
  });
});
