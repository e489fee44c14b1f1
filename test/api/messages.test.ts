import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Host, HostPage } from '../../src/api/contract/host.ts';
import type { Message, MessagePage, Session } from '../../src/api/contract/message.ts';
import type { Status } from '../../src/api/contract/status.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated();
  for (const n of [1, 2, 3]) await production.send(`M${n}`, { mrn: n === 3 ? '0815' : '4711' });
  await vi.waitFor(async () => {
    const { items } = await search({ status: ['completed'] });
    if (items.length < 3) throw new Error('not all of them are settled');
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

async function search(criteria: object): Promise<MessagePage> {
  const { status, body } = await production.ask<MessagePage>(
    'POST',
    '/api/v1/messages/search',
    criteria,
  );
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

test('messages are found by a search field, whole sessions at once', async () => {
  const { items, complete } = await search({ search: { mrn: '4711' } });
  expect(complete).toBe(true);
  expect(new Set(items.map(({ target }) => target))).toEqual(new Set(['hl7-out']));
  expect(items).toHaveLength(2);
});

test('a page ends at its limit and the next goes on where it ended', async () => {
  const first = await search({ limit: 2 });
  expect(first.items).toHaveLength(2);
  const second = await search({ limit: 2, after: first.next });
  expect(second.items.map(({ id }) => id)).not.toContain(first.items[1]?.id);
});

test('a message and its session are shown by its id', async () => {
  const [message] = (await search({ limit: 1 })).items;
  const one = await production.ask<Message>('GET', `/api/v1/messages/${message?.id}`);
  expect(one.body.status).toBe('completed');
  expect(one.body.reply?.code).toBe('AA');
  const session = await production.ask<Session>('GET', `/api/v1/sessions/${message?.sessionId}`);
  expect(session.body.messages.map(({ id }) => id)).toContain(message?.id);
});

test('hosts and the dashboard show how the production stands', async () => {
  const { body } = await production.ask<{ hosts: Host[] }>('GET', '/api/v1/hosts');
  expect(body.hosts.map(({ name, health }) => [name, health])).toEqual([
    ['hl7-in', 'running'],
    ['hl7-out', 'running'],
  ]);
  const page = await production.ask<HostPage>('GET', '/api/v1/hosts/hl7-in');
  expect(page.body.settings.find(({ path }) => path === 'listen')).toMatchObject({
    written: true,
    place: { file: 'production.yaml' },
  });
  const status = await production.ask<Status>('GET', '/api/v1/status');
  expect(status.body).toMatchObject({ production: 'ward', hosts: { total: 2, running: 2 } });
});

test('a body is shown as text, as a tree with names, and byte for byte', async () => {
  const [message] = (await search({ limit: 1 })).items;
  const path = `/api/v1/messages/${message?.id}/body`;
  const text = await production.ask<{ text: string }>('GET', path);
  expect(text.body.text).toContain('PID|1||');
  const tree = await production.ask<{ segments: { name: string; title: string }[] }>(
    'GET',
    `${path}/hl7`,
  );
  expect(tree.body.segments.map(({ name, title }) => [name, title])).toContainEqual([
    'PID',
    'Patient Identification',
  ]);
  const hex = await production.ask<{ hex: string }>('GET', `${path}/hex?limit=3`);
  expect(hex.body.hex).toBe(Buffer.from('MSH').toString('hex'));
  const raw = await production.ask<string>('GET', `${path}/raw`);
  expect(raw.body).toBe(text.body.text);
});

test('what cannot be answered is a problem with a code', async () => {
  const unknown = await production.ask('GET', '/api/v1/messages/7');
  expect(unknown.status).toBe(404);
  expect(unknown.headers.get('content-type')).toContain('application/problem+json');
  expect(unknown.body).toMatchObject({ code: 'NOT_FOUND', status: 404 });
  const misspelt = await production.ask('POST', '/api/v1/messages/search', { statuss: ['error'] });
  const detail = expect.stringContaining('"statuss"');
  expect(misspelt).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID', detail } });
  const nowhere = await production.ask('GET', '/api/v1/nowhere');
  expect(nowhere.body).toMatchObject({ code: 'NOT_FOUND' });
});
