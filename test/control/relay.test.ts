import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { askRelayed } from '../../src/control/relay.ts';
import type { RelayedRequest } from '../../src/control/relay-frames.ts';
import { type AnswerRelayed, serveRelayed } from '../../src/control/relay-server.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { startNats } from '../support/nats.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let hub: Broker;
let lab: Broker;

beforeAll(async () => {
  nats = await startNats();
  hub = await connectBroker({ ...nats, production: 'hub', role: 'test' });
  lab = await connectBroker({ ...nats, production: 'lab', role: 'test' });
});
afterAll(async () => {
  await hub.close();
  await lab.close();
  await nats[Symbol.asyncDispose]();
});

const CALLER = {
  name: 'anna',
  via: 'local@hub',
  roles: [],
  permissions: ['message.search'],
  scope: ['*'],
  ip: '10.0.0.1',
};
const request = (path: string): RelayedRequest => ({
  method: 'GET',
  path,
  headers: {},
  caller: CALLER,
});
const never = new AbortController().signal;
const ask = (path: string, signal = never, production = 'lab') =>
  askRelayed(hub, production, request(path), { signal });

async function serving(answer: AnswerRelayed): Promise<AsyncDisposable> {
  const server = serveRelayed(lab, answer);
  await lab.connection.flush();
  return { [Symbol.asyncDispose]: async () => server.close() };
}

const MEGABYTE = Buffer.alloc(1024 * 1024, 'a');

test('a large answer crosses in order, no faster than it is read, with its status and headers', async () => {
  let made = 0;
  await using _ = await serving(async ({ path, caller }, body) => ({
    status: 203,
    headers: { 'x-path': path, 'x-caller': caller.name, 'x-size': `${body.byteLength}` },
    body: (async function* () {
      for (; made < 8; made++) yield Buffer.concat([MEGABYTE, Buffer.from([made])]);
    })(),
  }));
  const answer = await askRelayed(hub, 'lab', request('a?b=c'), {
    body: Buffer.from('{}'),
    signal: never,
  });
  expect(answer.status).toBe(203);
  expect(answer.headers).toEqual({ 'x-path': 'a?b=c', 'x-caller': 'anna', 'x-size': '2' });
  // nothing is read, so the other side waits with what is under way
  await vi.waitFor(() => expect(made).toBeGreaterThan(0));
  for (let n = 0; n < 20; n++) await lab.connection.flush();
  expect(made).toBeLessThan(4);
  const parts: Buffer[] = [];
  for await (const part of answer.body) parts.push(part as Buffer);
  const all = Buffer.concat(parts);
  const expected = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [MEGABYTE, Buffer.from([n])]);
  expect(all.equals(Buffer.concat(expected))).toBe(true);
});

test('who no longer wants the answer ends it there: before it begins, and in the middle', async () => {
  const aborted = vi.fn<(path: string) => void>();
  const begun = Promise.withResolvers<void>();
  await using _ = await serving(async ({ path }, _body, signal) => {
    signal.addEventListener('abort', () => aborted(path));
    begun.resolve();
    if (path === 'slow') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return {
      status: 200,
      headers: {},
      body: (async function* () {
        for (;;) yield MEGABYTE;
      })(),
    };
  });
  const ending = new AbortController();
  const slow = ask('slow', ending.signal);
  await begun.promise;
  // whoever asks has been told by whom it is answered
  await lab.connection.flush();
  setTimeout(() => ending.abort(), 50);
  await expect(slow).rejects.toThrow('no console of lab answers');
  const { body } = await ask('long');
  body.destroy();
  await vi.waitFor(() => expect(aborted.mock.calls.flat()).toEqual(['slow', 'long']));
});

test('who stops wanting the answer before it is known who gives it ends it there too', async () => {
  const began = performance.now();
  const ending = new AbortController();
  const aborted = Promise.withResolvers<void>();
  await using _ = await serving(async (_request, _body, signal) => {
    // what tells of the beginning is on its way
    ending.abort();
    signal.addEventListener('abort', () => aborted.resolve());
    await aborted.promise;
    return { status: 200, headers: {}, body: (async function* () {})() };
  });
  await expect(ask('slow', ending.signal)).rejects.toThrow('no console of lab answers');
  await aborted.promise;
  // and not after 20 s without a word
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('who did not want the answer any more before it was asked for does not ask', async () => {
  const asked = vi.fn<() => void>();
  await using _ = await serving(async () => {
    asked();
    return { status: 200, headers: {}, body: (async function* () {})() };
  });
  await expect(ask('x', AbortSignal.abort())).rejects.toThrow('no console of lab answers');
  await ask('y');
  expect(asked).toHaveBeenCalledOnce();
});

test('a failure is told with its code, before the answer and within it', async () => {
  const error = new EngineError('STORE_UNAVAILABLE', 'the store is away', { retryable: true });
  await using _ = await serving(async ({ path }) => {
    if (path === 'at once') throw error;
    return {
      status: 200,
      headers: {},
      body: (async function* (): AsyncGenerator<Uint8Array> {
        yield MEGABYTE;
        throw error;
      })(),
    };
  });
  const told = { code: 'STORE_UNAVAILABLE', message: 'the store is away', retryable: true };
  await expect(ask('at once')).rejects.toMatchObject(told);
  const { body } = await ask('later');
  await expect(body.toArray()).rejects.toMatchObject(told);
});

test('where no console is, that is told at once', async () => {
  const begun = performance.now();
  const asked = ask('x', never, 'none');
  await expect(asked).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true });
  expect(performance.now() - begun).toBeLessThan(5_000);
});
