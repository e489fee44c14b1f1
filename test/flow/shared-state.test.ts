import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { ensureKeyed, keyed } from '../../src/broker/keyed.ts';
import { type Steps, steps } from '../../src/broker/steps.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import type { SharedState } from '../../src/flow/process-code.ts';
import {
  type StoredState,
  sharedState,
  statePlace,
  sweepState,
} from '../../src/flow/shared-state.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { traced } from '../support/traced.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let broker: Broker;
let done: Steps;

beforeAll(async () => {
  nats = await startNats();
  broker = await connectBroker({ ...nats, production: 'alone', role: 'test' });
  await ensureKeyed(broker);
  done = await steps(broker);
});

afterAll(async () => {
  done.close();
  await broker.close();
  await nats[Symbol.asyncDispose]();
});

let messages = 100;

/** A run of one message's code: its steps have the same keys again in a second run. */
function message(
  id = ++messages,
  writing: Pick<Steps, 'read' | 'write'> = done,
): { of<Value>(key: string): SharedState<Value> } {
  let count = 0;
  return {
    of: <Value>(key: string) =>
      sharedState<Value>(
        {
          keyed: keyed(broker),
          steps: done,
          signal: new AbortController().signal,
          by: { host: 'counter', message: id },
          changed: () => undefined,
          async step(what, act) {
            const step = `${id}.${count++}`;
            const before = await writing.read(`${step}.done`);
            if (before !== undefined) return before.result;
            const result = await act({ key: step, fingerprint: what });
            await writing.write(`${step}.done`, { fingerprint: what, at: Date.now(), result });
            return result;
          },
        },
        key,
      ),
  };
}

/** An engine that dies before it records a step. */
const dyingSteps = (): Pick<Steps, 'read' | 'write'> => ({
  read: (key) => done.read(key),
  write: () => Promise.reject(new Error('killed')),
});

const add = (before = 0): number => before + 1;

test('many messages change one key at once, and none of the changes is lost', async () => {
  await Promise.all(
    Array.from({ length: 40 }, () => message().of<number>('all at once').update(add)),
  );
  expect(await message().of('all at once').get()).toBe(40);
});

test('a change whose engine died before its step was recorded is not made again', async () => {
  const dying = dyingSteps();
  const [first, second] = [++messages, ++messages];
  await expect(message(first, dying).of<number>('once').update(add)).rejects.toThrow('killed');
  // nobody else came: the entry itself tells that it was made
  expect(await message(first).of<number>('once').update(add)).toBe(1);
  await expect(message(second, dying).of<number>('once').update(add)).rejects.toThrow('killed');
  // others came first
  expect(await message().of<number>('once').update(add)).toBe(3);
  expect(await message().of<number>('once').update(add)).toBe(4);
  expect(await message(second).of<number>('once').update(add)).toBe(2);
  expect(await message().of('once').get()).toBe(4);
});

test('a removal whose engine died does not remove what came after it', async () => {
  const dying = dyingSteps();
  const id = ++messages;
  await message().of('gone').set('old');
  await expect(message(id, dying).of('gone').delete()).rejects.toThrow('killed');
  await message().of('gone').set('new');
  await message(id).of('gone').delete();
  expect(await message().of('gone').get()).toBe('new');
});

test('what a message was given stays the same when it runs again', async () => {
  const id = ++messages;
  await message().of('seen').set({ beds: 1 });
  expect(await message(id).of('seen').get()).toEqual({ beds: 1 });
  await message().of('seen').set({ beds: 2 });
  expect(await message(id).of('seen').get()).toEqual({ beds: 1 });
  expect(await message().of('seen').get()).toEqual({ beds: 2 });
});

test('state ends with its time, and is removed then', async () => {
  await message().of('short').set(1, { ttl: 1 });
  await message().of('long').set(1);
  await vi.waitFor(async () => expect(await message().of('short').get()).toBeUndefined());
  expect(await message().of<number>('short').update(add, { ttl: 1 })).toBe(1);
  await vi.waitFor(async () =>
    expect((await keyed(broker).read<StoredState>(statePlace('short'))).value).toBeDefined(),
  );
  await vi.waitFor(async () => expect(await message().of('short').get()).toBeUndefined());
  expect(await sweepState(keyed(broker))).toBeGreaterThan(0);
  const keys: string[] = [];
  for await (const { place } of keyed(broker).all('state')) keys.push(place.key);
  expect(keys).not.toContain('short');
  expect(keys).toContain('long');
  // nothing is left of it, not even a mark
  const { state } = await broker.manager.streams.info(`KV_${broker.names.keyed}`);
  expect(state.messages).toBe(keys.length);
});

test('what is no JSON, too large or without a key is refused with what to do', async () => {
  const one = message();
  const of = <Value>(key: string) => one.of<Value>(key);
  await expect(of('x').set(undefined)).rejects.toThrow(/must be JSON; delete\(\) removes one/);
  await expect(of('x').set('x'.repeat(70_000))).rejects.toThrow(
    /has 68.4 KB, more than 64 KB; keep less/,
  );
  await expect(of<string>('x').update(() => 'x'.repeat(70_000))).rejects.toThrow(/more than 64 KB/);
  expect(() => of('')).toThrow(/a text of 1 to 256 characters/);
  expect(() => of('k'.repeat(257))).toThrow(EngineError);
  await expect(of('x').set(1, { ttl: Number.POSITIVE_INFINITY })).rejects.toThrow(/ten years/);
});

test('messages of a process count together over a stop, and the trace shows which key they changed', async () => {
  const code = join(nats.data, 'count.ts');
  await writeFile(
    code,
    `export default async (message, context) => {
       const ward = context.state('ward ' + Buffer.from(await message.bytes()).toString());
       const count = await ward.update((before = 0) => before + 1);
       await context.send('out', String(count));
     };\n`,
  );
  const from = testInbound();
  const out = testOutbound();
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['count'] })],
    processes: [
      processDefinition('count', {
        code,
        run: 'queued',
        order: 'none',
        pool: 4,
        whileWaiting: 'release',
      }),
    ],
    operations: [operationDefinition('out', out)],
  });
  const sent = () => out.sent.map((one) => Buffer.from(one.body.inline ?? []).toString());
  const deliver = (text: string) =>
    vi.waitFor(() => from.deliver({ body: Buffer.from(text), type: 'text/plain' }));
  const first = await run(nats, made);
  await Promise.all(['A', 'A', 'B', 'A'].map(deliver));
  await vi.waitFor(() => expect(sent().toSorted()).toEqual(['1', '1', '2', '3']));
  await first.stop();
  await using _ = await run(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: 'test' });
  const { sessionId } = await deliver('A');
  await vi.waitFor(() => expect(sent().at(-1)).toBe('4'));
  await vi.waitFor(async () => {
    const { messages: legs = [] } = (await trace.store.session(sessionId)) ?? {};
    expect(legs.find(({ target }) => target === 'count')?.states).toEqual(['ward A']);
  });
});

test('a listing has each key once, also one that is changed while it is read', async () => {
  const entries = keyed(broker);
  const put = async (key: string, host = 'listed'): Promise<void> => {
    const place = { kind: 'batch', host, key } as const;
    expect(await entries.replace(place, await entries.read(place), 'x')).toBeGreaterThan(0);
  };
  // another host may have the same key
  await put('a', 'other');
  for (const key of ['a', 'b']) await put(key);
  const { streams } = broker.manager;
  const info = streams.info.bind(streams);
  vi.spyOn(streams, 'info').mockImplementationOnce(async (...of) => {
    const found = await info(...of);
    await put('a');
    return found;
  });
  const listed: string[] = [];
  for await (const { place: at } of entries.all('batch')) {
    listed.push(`${at.host} ${at.key}`);
    if (at.key === 'b') await put('b');
  }
  expect(listed.toSorted()).toEqual(['listed a', 'listed b', 'other a']);
});
