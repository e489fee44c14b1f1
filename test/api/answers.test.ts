import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { EventPage } from '../../src/api/contract/event.ts';
import type { MessageCount, MessagePage } from '../../src/api/contract/message.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;
let newest = 0;

beforeAll(async () => {
  production = await operated();
  for (let n = 1; n <= 4; n++) await production.send(`C${n}`);
  newest = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['completed'],
    });
    if (body.items.length < 4) throw new Error('not all of them are settled');
    return body.items[0]?.id ?? 0;
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

interface Document {
  readonly paths: Readonly<
    Record<string, { readonly get?: { readonly responses: Readonly<Record<string, Answer>> } }>
  >;
}

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema: TSchema }>>;
}

test('a production without certificates is not asked for them by each look at the dashboard', async () => {
  const { connection, names } = production.plane.broker;
  let asked = 0;
  const listening = connection.subscribe(names.control('certificates'), {
    callback: () => void (asked += 1),
  });
  for (let n = 0; n < 4; n++)
    expect((await production.ask('GET', '/api/v1/status')).status).toBe(200);
  listening.unsubscribe();
  expect(asked).toBeLessThanOrEqual(1);
});

test('every answer of a running production is as its schema says', async () => {
  const { body: document } = await production.ask<Document>('GET', '/api/v1/openapi.json');
  const now = Date.now();
  const queries: Readonly<Record<string, string>> = {
    '/api/v1/find': '?text=C1',
    '/api/v1/across/find': '?text=C1',
    '/api/v1/find/hosts': '?text=out',
    '/api/v1/statistics': `?from=${now - 3_600_000}&to=${now}&step=60000`,
    '/api/v1/statistics/comparison': '?zone=Europe/Berlin',
    '/api/v1/messages/{id}/diff': `?against=${newest}`,
    '/api/v1/messages/{id}/body/value': '?path=PID-3.1',
    '/api/v1/production/files/text': '?path=production.yaml',
    '/api/v1/production/files/paths': '?beginning=PID',
  };
  let seen = 0;
  for (const [path, { get }] of Object.entries(document.paths)) {
    const schema = get?.responses['200']?.content?.['application/json']?.schema;
    // an HL7 message is no table, no mail and no interchange, there is no job and no draft yet, and the sign-in has tests of its own
    if (
      schema === undefined ||
      /table$|mail$|segments$|jobs\/\{id\}|drafts\/\{id\}|state\/|users|tokens|auth|audit/.test(
        path,
      )
    )
      continue;
    const url = path
      .replace('{id}', String(newest))
      .replace('{host}', 'hl7-out')
      .replace('{production}', 'ward');
    const { status, body } = await production.ask('GET', `${url}${queries[path] ?? ''}`);
    expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200);
    expect([...Value.Errors(schema, body)], path).toEqual([]);
    seen++;
  }
  expect(seen).toBeGreaterThan(20);
});

test('a search that nobody waits for any longer is ended, and its place is free', async () => {
  const slow = { contains: 'what no message holds', timeBudget: 10_000 };
  const controller = new AbortController();
  const asked = Array.from({ length: 10 }, () =>
    fetch(new URL('/api/v1/messages/search', production.url), {
      method: 'POST',
      body: JSON.stringify(slow),
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    }).catch(() => undefined),
  );
  controller.abort();
  await Promise.all(asked);
  await vi.waitFor(async () => {
    const { status } = await production.ask('POST', '/api/v1/messages/search', { limit: 1 });
    expect(status).toBe(200);
  });
});

test('a count says whether it is complete', async () => {
  const { body } = await production.ask<MessageCount>('POST', '/api/v1/messages/count', {});
  expect(body).toMatchObject({ count: 4, complete: true });
});

const exportOf = (format: string) =>
  production.ask<string>('POST', '/api/v1/messages/export', { criteria: {}, format });

test('an export is streamed as CSV and as NDJSON', async () => {
  const csv = await exportOf('csv');
  expect(csv.headers.get('content-disposition')).toContain('messages.csv');
  expect(csv.body.trimEnd().split('\r\n')).toHaveLength(5);
  expect(csv.body).toContain('hl7-out');
  const ndjson = await exportOf('ndjson');
  const rows = ndjson.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number });
  expect(rows.map(({ id }) => id)).toContain(newest);
});

async function page(query: string): Promise<EventPage> {
  return (await production.ask<EventPage>('GET', `/api/v1/events${query}`)).body;
}

test('the event log is paged without losing or repeating what happened in the same millisecond', async () => {
  const all = await page('?limit=1000');
  const found = [];
  let next: string | undefined;
  do {
    const part = await page(`?limit=1${next === undefined ? '' : `&after=${next}`}`);
    found.push(...part.items);
    next = part.next;
  } while (next !== undefined);
  expect(found).toEqual(all.items);
  expect(found.map(({ event }) => event)).toContain('host-started');
});

test('a search is kept under a name and is its owner’s alone', async () => {
  const kept = await production.ask<{ id: number }>('POST', '/api/v1/saved-searches', {
    name: 'errors',
    criteria: { status: ['error'], last: '6h' },
  });
  const list = await production.ask('GET', '/api/v1/saved-searches');
  expect(list.body).toMatchObject({
    searches: [{ name: 'errors', owner: 'admin', criteria: { status: ['error'], last: '6h' } }],
  });
  const more = Array.from({ length: 199 }, (_, n) => ({ name: `search ${n}`, criteria: {} }));
  for (const one of more) await production.ask('POST', '/api/v1/saved-searches', one);
  const over = { name: 'one more', criteria: {} };
  expect((await production.ask('POST', '/api/v1/saved-searches', over)).status).toBe(409);
  expect((await production.ask('POST', '/api/v1/saved-searches', more[0])).status).toBe(200);
  const large = {
    name: 'large',
    criteria: { hosts: Array.from({ length: 400 }, () => 'h'.repeat(99)) },
  };
  expect((await production.ask('POST', '/api/v1/saved-searches', large)).status).toBe(413);
  const path = `/api/v1/saved-searches/${kept.body.id}`;
  expect((await production.ask('DELETE', path)).status).toBe(200);
  expect((await production.ask('DELETE', path)).status).toBe(404);
});

test('a body that is no mail is not shown as one', async () => {
  const mail = await production.ask('GET', `/api/v1/messages/${newest}/body/mail`);
  expect(mail.status).toBe(422);
});

test('a held session is listed until it is released', async () => {
  const path = `/api/v1/storage/holds/${newest}`;
  expect((await production.ask('PUT', path, { reason: 'a complaint' })).status).toBe(200);
  const held = await production.ask('GET', '/api/v1/storage');
  expect(held.body).toMatchObject({ holds: [{ sessionId: newest, reason: 'a complaint' }] });
  expect((await production.ask('DELETE', path)).status).toBe(200);
  expect((await production.ask('POST', '/api/v1/storage/purge')).body).toMatchObject({
    removed: [],
  });
});

test('a connection is tried in steps, and a change is shown before it is applied', async () => {
  const tried = await production.ask('POST', '/api/v1/hosts/hl7-out/test');
  expect(tried.body).toMatchObject({ passed: true });
  const file = 'production.yaml';
  const { WARD } = await import('../support/operator.ts');
  await production.folder.write({ [file]: WARD.replace('From admission', 'From the front desk') });
  const shown = await production.ask('POST', '/api/v1/production/reload', { dryRun: true });
  expect(shown.body).toMatchObject({ applied: false, hosts: [{ host: 'hl7-in', restart: false }] });
  const applied = await production.ask('POST', '/api/v1/production/reload', { dryRun: false });
  expect(applied.body).toMatchObject({ applied: true });
  const host = await production.ask('GET', '/api/v1/hosts/hl7-in');
  expect(host.body).toMatchObject({ host: { title: 'From the front desk' } });
  await production.folder.write({ [file]: 'production: [' });
  const broken = await production.ask('POST', '/api/v1/production/reload', { dryRun: true });
  expect(broken).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
});
