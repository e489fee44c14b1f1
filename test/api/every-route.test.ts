import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { PERMISSIONS, type Permission } from '../../src/access/rights/principal.ts';
import { apiTokens } from '../../src/access/sign-in/api-tokens.ts';
import { users } from '../../src/access/sign-in/users.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { actedOn } from '../support/acted-on.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';
import { FREE, ROUTES, type Row } from '../support/route-table.ts';

let production: Operated;
let ids: Readonly<Record<string, number>>;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A token of a user that allows no more than these. */
async function token(user: string, permissions: readonly Permission[]): Promise<string> {
  await using database = await metaDatabase({ data: join(production.folder.path, 'data') });
  return (
    await apiTokens(database).add({ label: 'x', user, permissions, expires: Date.now() + 600_000 })
  ).token;
}

/** The text of a path or body with what stands for something replaced. */
function filler(pattern: string): (text: string) => string {
  const of = pattern.includes('{id}') ? /^\/([\w-]+)/.exec(pattern)?.[1] : 'messages';
  const id = ids[of ?? ''] ?? 0;
  return (text) =>
    text
      .replaceAll('"{id}"', `${id}`)
      .replaceAll('{id}', `${id}`)
      .replaceAll('{host}', 'hl7-out')
      .replaceAll('{kind}', 'log-level')
      .replaceAll('{production}', 'ward')
      .replaceAll('{name}', 'victim');
}

async function ask({ operation, query = '', body }: Row, bearer?: string): Promise<Answer> {
  const [method = '', pattern = ''] = operation.split(' ');
  const filled = filler(pattern);
  const ending = new AbortController();
  const response = await fetch(
    new URL(filled(`api/v1${pattern}${query}`), production.plane.api?.url),
    {
      method,
      signal: ending.signal,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: filled(JSON.stringify(body)) }),
    },
  );
  const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = streams ? '' : await response.text();
  ending.abort();
  return { status: response.status, text };
}

beforeAll(async () => {
  production = await operated({
    production: WARD.replace('shutdownTimeout: 1s', 'shutdownTimeout: 1s\n  testMessages: true'),
  });
  const data = join(production.folder.path, 'data');
  await production.send('E1');
  const message = await vi.waitFor(async () => {
    const search = { status: ['completed'], source: 'hl7-in' };
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', search);
    if (body.items[0] === undefined) throw new Error('it is not traced yet');
    return body.items[0].id;
  }, 20_000);
  await using database = await metaDatabase({ data });
  const known = users(database);
  const all = { password: '', mustChange: false };
  await known.add({ ...all, name: 'root', roles: ['administrator'], scope: ['*'] });
  await known.add({ ...all, name: 'part', roles: ['administrator'], scope: ['host:elsewhere'] });
  await known.add({ ...all, name: 'victim', roles: [], scope: ['*'] });
  ids = await actedOn(data, message);
});
afterAll(async () => production[Symbol.asyncDispose]());

test('every operation of the document is in the table', async () => {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  );
  const inTable = new Set([...ROUTES.map(({ operation }) => operation), ...FREE]);
  expect(documented.filter((one) => !inTable.has(one))).toEqual([]);
  expect([...inTable].filter((one) => !documented.includes(one))).toEqual([]);
});

describe.for(ROUTES.map((row) => [row.operation, row] as const))('%s', ([, row]) => {
  const body = row.body === undefined ? '' : ` ${JSON.stringify(row.body)}`;

  test(`without a sign-in it is 401${body}`, async () => {
    expect((await ask(row)).status).toBe(401);
    expect((await ask(row, 'wb_made-up')).status).toBe(401);
  });

  test.for(row.needs)(`without %s it is 403, which names it${body}`, async (missing) => {
    const others = PERMISSIONS.filter((one) => one !== missing);
    const answer = await ask(row, await token('root', others));
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining(missing)]);
  });

  test(`in another scope it is ${row.elsewhere}, and tells nothing of what is there${body}`, async () => {
    const answer = await ask(row, await token('part', PERMISSIONS));
    expect([answer.status, answer.text]).toEqual([row.elsewhere, expect.any(String)]);
    const about = /^GET \/(?:audit|users|roles|tokens|sign-in)/.test(row.operation);
    const told = about ? '' : answer.text.replace('there is no host hl7-out', '');
    expect(told).not.toMatch(/hl7-(?:in|out)/);
  });

  test(`with ${row.needs.join(' and ')} it is done${body}`, async () => {
    const answer = await ask(row, await token('root', row.needs));
    expect([answer.status, answer.text]).toEqual([
      expect.toBeOneOf([...(row.allowed ?? [200])]),
      expect.any(String),
    ]);
  });
});

test('nobody is on call whom every object of JavaScript knows', async () => {
  const hour = 3_600_000;
  const body = { from: Date.now(), to: Date.now() + hour, who: 'constructor', reason: 'x' };
  const row = { operation: 'POST /alerts/on-call', needs: [], elsewhere: 403, body } as const;
  const answer = await ask(row, await token('root', ['alert.manage']));
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('alerts.people')]);
});

test('what is nested a million levels deep is refused before anybody waits for it', async () => {
  const bearer = await token('root', PERMISSIONS);
  const deep = await fetch(new URL('api/v1/messages/search', production.plane.api?.url), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json; charset=utf-8',
    },
    body: `{"contains":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
  });
  expect([deep.status, await deep.text()]).toEqual([400, expect.stringContaining('100 levels')]);
});
