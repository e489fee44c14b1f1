import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type {
  BatchList,
  SharedStates,
  SharedStateValue,
  Waits,
} from '../../src/api/contract/kept.ts';
import { KEYED_FILES, KEYED_PRODUCTION } from '../support/keyed-production.ts';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

let production: Operated;
const who = signedInAs();
const BOB = { ...ANN, name: 'bob', unmasked: false };

/** What processes keep between messages, seen and ended by people. */
beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: KEYED_PRODUCTION,
    files: KEYED_FILES,
    console: { signIn: who.plugin },
  });
  await production.send('C1', { mrn: '4711', name: 'Zwingli^Ulrich' });
  await production.send('C2', { mrn: '4711' });
  await production.send('C3', { mrn: '4712' });
  await vi.waitFor(async () => {
    const parts = (await batches()).map((one) => one.parts);
    if ((await waits()).length !== 3 || parts.join() !== '2,1')
      throw new Error('not all have come');
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

const get = async <Answer>(path: string): Promise<Answer> =>
  (await production.ask<Answer>('GET', `/api/v1/${path}`)).body;
const waits = async () => (await get<Waits>('waits')).waits;
const batches = async () =>
  (await get<BatchList>('batches')).batches.toSorted((a, b) => b.parts - a.parts);
const states = async (query = '') => (await get<SharedStates>(`state${query}`)).entries;

test('who waits since when, under which key and for what; what is collected; what is shared', async () => {
  const [first] = await waits();
  expect(first).toMatchObject({
    host: 'pairs',
    key: '4711',
    state: 'waits',
    when: 'type == "ADT_A01"',
  });
  expect((first?.until ?? 0) - (first?.since ?? 0)).toBeGreaterThan(3_000_000);
  expect(await batches()).toMatchObject([
    { host: 'bundle', key: '4711', parts: 2 },
    { host: 'bundle', key: '4712', parts: 1 },
  ]);
  const all = await states();
  expect(new Set(all.map(({ key, host }) => `${key} ${host}`))).toEqual(
    new Set(['patient 4711 pairs', 'patient 4712 pairs']),
  );
  expect(await states('?key=patient%204711')).toHaveLength(1);
  expect(await states('?key=nobody')).toEqual([]);
});

test('who may not see patients sees no key and no value of theirs, and can act all the same', async () => {
  const [entry] = await states('?key=patient%204711');
  const open = await get<SharedStateValue>(`state/${entry?.keyId}`);
  expect(open.masked).toBe(false);
  expect(JSON.parse(open.value)).toMatchObject({ visits: 4711 });
  who.principal = BOB;
  const lists = [await waits(), await batches(), await states()];
  expect(JSON.stringify(lists.map((list) => list.map(({ key }) => key)))).not.toMatch(/471/);
  const shown = await get<SharedStateValue>(`state/${entry?.keyId}`);
  expect(shown.masked).toBe(true);
  expect(shown.value).not.toMatch(/4711|Doe|Zwingli|1234567/);
  expect(shown.value).toContain('visits');
  who.principal = { ...ANN, name: 'lab', visibleHosts: ['hl7-out'] };
  expect([await waits(), await batches(), await states()]).toEqual([[], [], []]);
  const path = `/api/v1/state/${entry?.keyId}`;
  expect((await production.ask('GET', path)).status).toBe(404);
  expect((await production.ask('POST', `${path}/remove`, { reason: 'x' })).status).toBe(404);
  who.principal = ANN;
});

test('a batch is released now or discarded, once', async () => {
  who.principal = BOB;
  const [large, small] = await batches();
  const close = (one: typeof large, discard: boolean) =>
    production.ask('POST', '/api/v1/batches/close', {
      host: one?.host,
      keyId: one?.keyId,
      discard,
      reason: 'the shift ends',
    });
  const permissions = new Set(BOB.permissions);
  permissions.delete('deadletter.discard');
  who.principal = { ...BOB, permissions };
  expect((await close(small, true)).status).toBe(403);
  who.principal = BOB;
  const before = production.receiver.received.length;
  expect(await close(large, false)).toMatchObject({ status: 200, body: { parts: 2 } });
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + 1));
  expect(production.receiver.received.at(-1)?.body.toString()).toContain('|C2|');
  expect(await close(small, true)).toMatchObject({ status: 200, body: { parts: 1 } });
  await vi.waitFor(async () => expect(await batches()).toEqual([]));
  expect((await close(small, true)).status).toBe(404);
  expect((await close({ ...large, host: 'nobody' } as typeof large, false)).status).toBe(404);
  expect(production.receiver.received).toHaveLength(before + 1);
  who.principal = ANN;
});

test('a wait is ended with its message, and state is removed, once', async () => {
  const [first] = await waits();
  await vi.waitFor(async () => {
    const path = `/api/v1/messages/${first?.messageId}/abort`;
    expect((await production.ask('POST', path, { reason: 'it never comes' })).status).toBe(200);
  });
  await vi.waitFor(async () => expect(await waits()).toHaveLength(2));
  const [entry] = await states('?key=patient%204712');
  const remove = () =>
    production.ask('POST', `/api/v1/state/${entry?.keyId}/remove`, { reason: 'wrong patient' });
  const both = await Promise.all([remove(), remove()]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
  expect(await states()).toHaveLength(1);
});
