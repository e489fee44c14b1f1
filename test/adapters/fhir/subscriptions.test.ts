import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import fhirSubscriptionsOut from '../../../adapters/fhir/fhir-subscriptions-out.ts';
import { Counts } from '../../../adapters/fhir/subscription/counts.ts';
import {
  type Subscription,
  Subscriptions,
} from '../../../adapters/fhir/subscription/subscriptions.ts';
import type { Records } from '../../../src/adapter/records.ts';
import { type Broker, connectBroker } from '../../../src/broker/broker.ts';
import { ensureKeyed, keyed } from '../../../src/broker/keyed.ts';
import { records } from '../../../src/broker/records.ts';
import type { Reply } from '../../../src/message/message.ts';
import { startNats } from '../../support/nats.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';
import { documents, server } from './serving.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
const brokers: Broker[] = [];
const signal = new AbortController();

beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await Promise.all(brokers.map((one) => one.close()));
  await nats[Symbol.asyncDispose]();
});

/** Engines of a production of its own, each with its own connection. */
async function engines(
  count: number,
  given: object = {},
): Promise<{
  readonly of: readonly OpenedOutbound[];
  readonly kept: Subscriptions;
  readonly records: Records;
}> {
  const production = `p-${randomBytes(4).toString('hex')}`;
  const all: Broker[] = [];
  for (let at = 0; at < count; at++) {
    all.push(await connectBroker({ ...nats, production, role: 'engine' }));
  }
  brokers.push(...all);
  const [first] = all;
  if (first === undefined) throw new Error('no engine');
  await ensureKeyed(first);
  const realms = all.map((one) => keyed(one));
  const of = await Promise.all(
    realms.map((one) =>
      openOutbound(fhirSubscriptionsOut, given as Record<string, unknown>, {
        records: (realm) => records(one, realm),
      }),
    ),
  );
  const stored = records(keyed(first), 'subscriptions');
  const kept = new Subscriptions(stored, signal.signal);
  await kept.allow(['https://x.example/']);
  return { of, kept, records: stored };
}

interface Asking {
  readonly criteria?: string;
  readonly caller?: object;
}

async function created(
  engine: OpenedOutbound | undefined,
  { criteria = 'Observation', caller = { name: 'a', scopes: [] } }: Asking = {},
): Promise<string> {
  const reply = await asked(engine, {
    interaction: 'create',
    type: 'Subscription',
    caller,
    resource: {
      resourceType: 'Subscription',
      status: 'requested',
      criteria,
      channel: { type: 'rest-hook', endpoint: 'https://x.example/a' },
    },
  });
  const { id, issue } = bodyOf(reply) as { id?: string; issue?: { diagnostics: string }[] };
  return id ?? `${reply?.code ?? ''} ${issue?.[0]?.diagnostics ?? ''}`;
}

let last = 0;
const asked = (engine: OpenedOutbound | undefined, body: object, id?: number) => {
  const { caller } = body as { caller?: { name: string } };
  return engine === undefined
    ? Promise.reject(new Error('no engine'))
    : engine.send(Buffer.from(JSON.stringify(body)), {
        id: id ?? ++last,
        ...(caller && { caller: JSON.stringify({ name: caller.name, claims: {} }) }),
      });
};
const bodyOf = (reply: Reply | undefined): unknown => {
  const text = Buffer.from(reply?.body ?? []).toString();
  return text === '' ? [] : JSON.parse(text);
};
const numbers = (reply: Reply | undefined): number[] =>
  (bodyOf(reply) as { notification: { number: number } }[]).map(
    ({ notification }) => notification.number,
  );
const observation = { resourceType: 'Observation', id: '1', status: 'final' };
const active = (before: Subscription): Subscription => ({ ...before, status: 'active' });

test.for([
  [['user/Observation.rs', 'user/Subscription.c'], /^[\da-f-]{36}$/],
  [['system/*.read', 'system/Subscription.c'], /^[\da-f-]{36}$/],
  [
    ['user/Patient.rs', 'user/Subscription.c'],
    /^403 The caller may not read and search Observation/,
  ],
  [['user/Observation.r', 'user/Subscription.c'], /^403/],
  [['patient/Observation.rs', 'user/Subscription.c'], /^403/],
] as const)('with the scopes %j: %s', async ([scopes, expected]) => {
  const { of } = await engines(1);
  expect(await created(of[0], { caller: { name: 'a', scopes } })).toMatch(expected);
});

test('a token for one patient does not subscribe, and neither does who is not among owners', async () => {
  const { of, kept, records: stored } = await engines(1, { owners: ['a'] });
  const caller = { name: 'a', scopes: ['user/*.cruds'], patient: '1' };
  expect(await created(of[0], { caller })).toMatch(/^403 The caller may not read/);
  expect(await created(of[0], { caller: { name: 'b', scopes: [] } })).toBe(
    '403 The caller may not subscribe.',
  );
  const own = await created(of[0]);
  const lent = { records: () => stored };
  await using other = await openOutbound(fhirSubscriptionsOut, { owners: ['b'] }, lent);
  await vi.waitFor(async () => expect((await kept.find(own))?.status).toBe('off'));
  expect(other.events).toEqual([]);
});

test('what one engine has changed counts at the other at once, and a repeated event has the same number', async () => {
  const { of, kept } = await engines(2);
  const [one, two] = of;
  expect(numbers(await asked(two, observation))).toEqual([]);
  const id = await created(one);
  await kept.change(id, active);
  expect(numbers(await asked(two, observation, 1_000))).toEqual([1]);
  expect(numbers(await asked(one, observation, 1_000))).toEqual([1]);
  expect(numbers(await asked(one, observation, 1_001))).toEqual([2]);
  const bundle = {
    resourceType: 'Bundle',
    type: 'collection',
    entry: [{ resource: observation }, { resource: observation }],
  };
  expect(numbers(await asked(two, bundle, 1_002))).toEqual([3, 4]);
  await asked(one, { interaction: 'delete', type: 'Subscription', id, caller: { name: 'a' } });
  expect(numbers(await asked(two, observation))).toEqual([]);
});

const bundleOf = (count: number): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: Array.from({ length: count }, () => ({ resource: observation })),
});

test('after a crash both messages of a line have their numbers again', async () => {
  const { of, kept } = await engines(1);
  await kept.change(await created(of[0]), active);
  expect(numbers(await asked(of[0], bundleOf(2), 1_000))).toEqual([1, 2]);
  expect(numbers(await asked(of[0], observation, 1_001))).toEqual([3]);
  expect(numbers(await asked(of[0], bundleOf(2), 1_000))).toEqual([1, 2]);
  expect(numbers(await asked(of[0], observation, 1_001))).toEqual([3]);
  expect(numbers(await asked(of[0], observation, 1_002))).toEqual([4]);
});

test('engines that count at once leave no gap, and remember the last events within their limit', async () => {
  const { of, kept, records: stored } = await engines(2, { keepEvents: 100 });
  const id = await created(of[0]);
  await kept.change(id, active);
  const found = await Promise.all(
    Array.from({ length: 12 }, (_, at) => asked(of[at % 2], bundleOf(25))),
  );
  const all = found.flatMap(numbers).toSorted((one, other) => one - other);
  expect(all).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
  expect(await missed(of[0], id)).toMatchObject({ numbers: [201, 300, 100], count: 300 });
  expect(await missed(of[1], id, { eventsSinceNumber: '250', eventsUntilNumber: '251' })).toEqual({
    numbers: [250, 251, 2],
    count: 300,
    fault: undefined,
  });
  expect((await missed(of[0], id)).fault).toBe(
    'Events before number 201 are not remembered any more.',
  );
  expect((await keysOf(stored)).length).toBeLessThanOrEqual(1 + 2);
  await asked(of[0], bundleOf(150));
  expect(await missed(of[0], id)).toMatchObject({ numbers: [351, 450, 100], count: 450 });
  expect(await keysOf(stored)).toEqual([`count/${id}`]);
  await asked(of[0], { interaction: 'delete', type: 'Subscription', id, caller: { name: 'a' } });
  expect(await keysOf(stored)).toEqual([]);
});

test('a count is read anew only where others have counted, whose dropped events do not come back', async () => {
  const { records: stored } = await engines(1);
  const read: string[] = [];
  const watched: Records = {
    ...stored,
    read: (key) => {
      read.push(key);
      return stored.read(key);
    },
  };
  let message = 0;
  const countBy = (counts: Counts, events: number): Promise<number> =>
    counts.count('x', { message: ++message, at: '', focuses: Array(events).fill(undefined) });
  const [own, others] = [new Counts(watched, 100), new Counts(stored, 100)];
  expect(await countBy(own, 64)).toBe(1);
  expect(await countBy(others, 64)).toBe(65);
  expect(await countBy(others, 200)).toBe(129);
  expect(await countBy(own, 1)).toBe(329);
  expect(await keysOf(stored)).not.toContain('events/x/1');
  read.length = 0;
  expect([await countBy(own, 1), await countBy(own, 1)]).toEqual([330, 331]);
  expect(read).toEqual([]);
  expect(await countBy(others, 1)).toBe(332);
  expect(await countBy(own, 1)).toBe(333);
  expect(read).toEqual(['count/x']);
});

test('what an older program has counted goes on, and is not said to be remembered', async () => {
  const { of, kept, records: stored } = await engines(1);
  const id = await created(of[0]);
  await kept.change(id, active);
  await asked(of[0], observation);
  const entry = await stored.read(`count/${id}`);
  await stored.replace(`count/${id}`, entry, { number: 7, message: 5_000, first: 6 });
  expect(numbers(await asked(of[0], bundleOf(2), 5_000))).toEqual([6, 7]);
  expect(numbers(await asked(of[0], observation))).toEqual([8]);
  expect(await missed(of[0], id)).toEqual({
    numbers: [8, 8, 1],
    count: 8,
    fault: 'Events before number 8 are not remembered any more.',
  });
});

test('what happens while an endpoint is in error is counted and remembered, not sent', async () => {
  const { of, kept } = await engines(1);
  const id = await created(of[0]);
  await kept.change(id, (before) => ({ ...before, status: 'error' }));
  expect(numbers(await asked(of[0], observation))).toEqual([]);
  await kept.change(id, active);
  expect(numbers(await asked(of[0], observation))).toEqual([2]);
  expect(await missed(of[0], id)).toMatchObject({ numbers: [1, 2, 2], fault: undefined });
});

test('what was missed is told to its owner alone, and while they may read it', async () => {
  const { of } = await engines(1);
  const scopes = ['user/Observation.rs', 'user/Subscription.crs'];
  const id = await created(of[0], { caller: { name: 'a', scopes } });
  const events = { interaction: 'operation', operation: 'events', type: 'Subscription', id };
  const codes: unknown[] = [];
  for (const caller of [
    { name: 'a', scopes },
    { name: 'a', scopes: ['user/Subscription.crs'] },
    { name: 'b', scopes },
  ]) {
    codes.push((await asked(of[0], { ...events, caller }))?.code);
  }
  const query = { eventsSinceNumber: '1e3' };
  codes.push((await asked(of[0], { ...events, query, caller: { name: 'a', scopes } }))?.code);
  expect(codes).toEqual(['200', '403', '404', '400']);
});

test('what is counted while a subscription is deleted does not stay', async () => {
  const { of, kept, records: stored } = await engines(1);
  const id = await created(of[0]);
  await kept.change(id, active);
  await kept.counts.count('gone', { message: 1, at: '', focuses: [undefined] });
  await asked(of[0], observation);
  await kept.sweep();
  expect(await keysOf(stored)).toEqual([`count/${id}`]);
});

/** What is kept beside subscriptions. */
async function keysOf(stored: Records): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of stored.all('', signal.signal)) keys.push(key);
  return keys.filter((key) => /^(?:count|contact|events)\//.test(key));
}

/** The first and last number of what `$events` answers, and how many they are. */
async function missed(engine: OpenedOutbound | undefined, id: string, query: object = {}) {
  const reply = await asked(engine, {
    interaction: 'operation',
    operation: 'events',
    type: 'Subscription',
    id,
    query,
    caller: { name: 'a', scopes: [] },
  });
  const { entry } = bodyOf(reply) as { entry: { resource: { parameter: Parameter[] } }[] };
  const parameters = entry[0]?.resource.parameter ?? [];
  const events = parameters.flatMap(({ name, part }) =>
    name === 'notification-event' ? [Number(part?.[0]?.valueString)] : [],
  );
  const found = (name: string) => parameters.find((one) => one.name === name);
  return {
    numbers: [events[0], events.at(-1), events.length],
    count: Number(found('events-since-subscription-start')?.valueString),
    fault: found('error')?.valueCodeableConcept?.text,
  };
}

interface Parameter {
  readonly name: string;
  readonly valueString?: string;
  readonly valueCodeableConcept?: { readonly text: string };
  readonly part?: readonly Parameter[];
}

test('a key that is taken out takes its subscriptions with it, others stay', async () => {
  const { kept, records: stored } = await engines(1);
  const by = (owner: string, kind: string, service = 'under-test'): Promise<Subscription> =>
    whole(kept, { owner, proof: { service, kind } });
  const ofKey = { service: 'under-test', kind: 'api-key' };
  const all = [
    await by('b', 'api-key'),
    await by('a', 'basic'),
    await by('a', 'api-key'),
    await by('b', 'api-key', 'another service'),
    await whole(kept, { owner: 'b' }),
    // let in by an engine that has newer settings than this service, while it is open
    await whole(kept, { owner: 'b', proof: { ...ofKey, at: Date.now() + 60_000 } }),
    await whole(kept, { owner: 'b', proof: { ...ofKey, at: Date.now() - 60_000 } }),
  ];
  const callers = [{ kind: 'api-key', credentials: ['a'] }];
  const given = { callers, resources: ['Subscription'] };
  await using api = await server(given, {
    records: () => stored,
    credentials: { a: { kind: 'bearer', token: () => Promise.resolve('key') } },
  });
  await vi.waitFor(async () => {
    const states = await Promise.all(all.map(async ({ id }) => (await kept.find(id))?.status));
    expect(states).toEqual(['off', 'off', 'active', 'active', 'active', 'active', 'off']);
  });
  // told once each is off
  const ended = Array(3).fill('subscription-ended');
  await vi.waitFor(() => expect(api.opened.events.map(({ name }) => name)).toEqual(ended));
  const headers = { 'x-api-key': 'key' };
  await api.call('/Subscription', { headers });
  expect(documents(api)[0]).toMatchObject({
    caller: { name: 'a', by: { service: 'under-test', kind: 'api-key' } },
  });
});

test('there are not more than may be, for one caller and for all', async () => {
  const { of } = await engines(1, { most: 3, mostEach: 2 });
  const make = (name: string, criteria: string): Promise<string> =>
    created(of[0], { criteria, caller: { name, scopes: [] } });
  for (const criteria of ['Patient', 'Encounter']) await make('a', criteria);
  expect(await make('a', 'Observation')).toMatch(/^422 There are too many/);
  expect(await make('b', 'Observation')).not.toMatch(/^422/);
  expect(await make('c', 'Observation')).toMatch(/^422 There are too many/);
});

test('what reads, and what is no resource, is told to nobody', async () => {
  const { of, kept } = await engines(1);
  await kept.change(await created(of[0]), active);
  const request = { type: 'Observation', resource: observation };
  expect(numbers(await asked(of[0], { ...request, interaction: 'operation' }))).toEqual([]);
  expect(numbers(await asked(of[0], { ...request, interaction: 'update' }))).toEqual([1]);
  const outcome = { resourceType: 'OperationOutcome', issue: [] };
  expect(numbers(await asked(of[0], outcome))).toEqual([]);
  await expect(asked(of[0], [1])).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
});

/** One that is told of observations, whole. */
const whole = (kept: Subscriptions, more: Partial<Subscription> = {}): Promise<Subscription> =>
  kept.add({
    owner: 'a',
    status: 'active',
    resource: {},
    criteria: [{ type: 'Observation', filters: [] }],
    endpoint: 'https://x.example/a',
    content: 'full-resource',
    end: Date.now() + 60_000,
    ...more,
  });

test('what is too large to be kept is refused, and holds nothing up', async () => {
  const { of, kept } = await engines(1);
  const resource = {
    resourceType: 'Subscription',
    criteria: 'Observation',
    channel: { type: 'rest-hook', endpoint: 'https://x.example/a' },
  };
  const caller = { name: 'a', scopes: [] };
  for (const more of [
    { reason: 'x'.repeat(5_000_000) },
    { criteria: `Observation?code=${'x,'.repeat(40_000)}` },
  ]) {
    const body = { interaction: 'create', type: 'Subscription', caller };
    const reply = await asked(of[0], { ...body, resource: { ...resource, ...more } });
    expect([reply?.code, reply?.text]).toEqual(['422', 'A subscription has 32 KB at most.']);
  }
  expect((await kept.all()).size).toBe(0);
});

test('those that are over make place', async () => {
  const { of, kept } = await engines(1, { most: 2 });
  const { id } = await whole(kept, { status: 'error', end: Date.now() - 1 });
  await whole(kept);
  expect(await created(of[0])).toMatch(/^[\da-f-]{36}$/);
  expect(await kept.find(id)).toBeUndefined();
  expect(await created(of[0], { criteria: 'Patient' })).toMatch(/^422 There are too many/);
});

test('whole resources for too many are refused before any is counted', async () => {
  const { of, kept } = await engines(1);
  const { id } = await whole(kept);
  for (let at = 0; at < 2; at++) await whole(kept, { endpoint: `https://x.example/${at}` });
  const large = { ...observation, note: [{ text: 'ü'.repeat(5_500_000) }] };
  await expect(asked(of[0], large)).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
  expect(await kept.counts.counted(id)).toBe(0);
});

test('an id that leads elsewhere becomes part of no address', async () => {
  const { of, kept } = await engines(1);
  await whole(kept);
  for (const id of ['../../admin', '..', 'a/b', 'a?b', 7]) {
    const [told] = bodyOf(await asked(of[0], { ...observation, id })) as [{ notification: object }];
    expect(told.notification).not.toHaveProperty('focus');
  }
});

test('who asks is who has proven it, whatever the body says', async () => {
  const { of, kept } = await engines(1);
  const id = await created(of[0]);
  const body = { interaction: 'delete', type: 'Subscription', id, caller: { name: 'a' } };
  for (const caller of [undefined, JSON.stringify({ name: 'b', claims: {} })]) {
    const sent = of[0]?.send(Buffer.from(JSON.stringify(body)), { id: ++last, caller });
    await expect(sent).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
  }
  const alone = { resourceType: 'Subscription', criteria: 'Observation' };
  await expect(asked(of[0], alone)).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
  expect(await kept.find(id)).toBeDefined();
});
