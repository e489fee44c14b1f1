import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { wrongWith } from '../../src/cli/command/operate.ts';
import { subscribersCommand } from '../../src/cli/command/subscribers.ts';
import {
  askAll,
  askControl,
  askSigned,
  orderAll,
  serveControl,
} from '../../src/control/control.ts';
import { ENGINE, PLANE, TRACE } from '../../src/control/verbs.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { ran } from '../support/command.ts';
import { gone } from '../support/gone.ts';
import { ownProductions } from '../support/own-production.ts';

const ownProduction = ownProductions();

const verbs = Object.entries({ ENGINE, PLANE, TRACE }).flatMap(([map, of]) =>
  Object.entries(of).map(([key, verb]) => ({ path: `${map}.${key}`, ...verb })),
);

test('no two verbs share a subject', () => {
  const subjects = verbs.map(({ of, name }) => `${of} ${name}`);
  expect(new Set(subjects).size).toBe(subjects.length);
});

/** `serveControl` has the compiler find a verb that nobody answers; one that nobody asks is found here. */
test('each verb is asked somewhere', () => {
  const source = globSync('src/**/*.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  // `ENGINE[verb]`, of the verbs that `switchHost` and `waybill start` are given
  const switches = source.includes('orderAll(broker, ENGINE[verb],')
    ? ['ENGINE.start', 'ENGINE.stop', 'ENGINE.retry']
    : [];
  const unasked = verbs
    .filter(({ path }) => !switches.includes(path))
    .filter(
      ({ path }) => !new RegExp(`(ask\\w+|orderAll)\\(\\s*broker,\\s*${path}\\b`).test(source),
    );
  expect(unasked.map(({ path }) => path)).toEqual([]);
});

test('who was asked and does not answer may do it all the same', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { test: tried } = ENGINE;
  await expect(
    askControl(broker, tried, { host: 'ward' }, { timeout: 1_000 }),
  ).rejects.toMatchObject({ message: expect.stringMatching(/^nobody answers .* running\?/) });
  const server = serveControl(broker, { tried }, { tried: () => new Promise<never>(() => {}) });
  await broker.connection.flush();
  await expect(
    askControl(broker, tried, { host: 'ward' }, { timeout: 1_000 }),
  ).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringContaining('within 1 s: it may be done all the same'),
  });
  server.close();
});

test('a result, a body and a failure cross NATS; who answers nothing has answered', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { status, test: tried, retry, rehearse } = ENGINE;
  const { session } = TRACE;
  const server = serveControl(
    broker,
    { status, tried, retry, rehearse, session },
    {
      status: () => ({
        production: 'verbs',
        title: '',
        engine: 1,
        started: 0,
        hosts: [],
        left: [],
      }),
      tried: ({ host }) => {
        throw new EngineError('HOST_UNKNOWN', `there is no ${host}`);
      },
      retry: () => undefined,
      rehearse: (_request, body) => ({
        version: 'v',
        sent: [
          { to: 'x', type: 'y', charset: undefined, base64: String(body.byteLength), digest: '' },
        ],
        processes: [],
      }),
      session: () => undefined,
    },
  );
  await broker.connection.flush();
  expect((await askAll(broker, ENGINE.status, null)).map(({ engine }) => engine)).toEqual([1]);
  await expect(askControl(broker, ENGINE.test, { host: 'ward' })).rejects.toMatchObject({
    code: 'HOST_UNKNOWN',
    message: 'there is no ward',
  });
  expect(await orderAll(broker, ENGINE.retry, { host: 'ward', by: 'test' })).toHaveLength(1);
  const request = { service: 'in', at: 0, type: 't', name: undefined, charset: undefined };
  const { sent } = await askControl(broker, ENGINE.rehearse, request, { body: Buffer.alloc(5) });
  expect(sent[0]?.base64).toBe('5');
  expect(await askControl(broker, TRACE.session, { id: 1, by: 'test' })).toBeUndefined();
  await expect(askControl(broker, PLANE.lag, null, { timeout: 500 })).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    retryable: true,
  });
  server.close();
});

test('the status says what it can where NATS is away when it is asked for more', async () => {
  const broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  await broker[Symbol.asyncDispose]();
  expect(await wrongWith(broker)).toEqual([
    'TRACE: no operator plane answers, so nobody watches, and nothing new is found',
  ]);
});

test('answers of all that were expected are not waited for longer', async () => {
  const own = await ownProduction();
  const connect = () => connectBroker({ ...own, role: 'test' });
  await using first = await connect();
  await using second = await connect();
  const { queues } = ENGINE;
  const servers = [first, second].map((broker, at) =>
    serveControl(broker, { queues }, { queues: () => [`${at}`] }),
  );
  for (const { connection } of [first, second]) await connection.flush();
  let silence = 20_000;
  const began = performance.now();
  const asked = () => askAll(first, queues, null, { expected: 2, silence });
  expect((await asked()).flat().toSorted()).toEqual(['0', '1']);
  expect(performance.now() - began).toBeLessThan(silence);
  // one that is gone is waited for
  servers[1]?.close();
  await second.connection.flush();
  silence = 500;
  const again = performance.now();
  expect((await asked()).flat()).toEqual(['0']);
  expect(performance.now() - again).toBeGreaterThan(450);
  servers[0]?.close();
});

test('where nobody listens there is no answer, and an order says so', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  expect(await askAll(broker, ENGINE.status, null)).toEqual([]);
  const order = orderAll(broker, ENGINE.stop, { host: 'x', by: 'ann' });
  await expect(order).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
});

test('of several servers one that stands still gets nothing, and the others share what is asked', async () => {
  const own = await ownProduction();
  const connect = () => connectBroker({ ...own, role: 'test' });
  await using asking = await connect();
  await using stopped = await connect();
  await using first = await connect();
  await using second = await connect();
  const { carryOut } = ENGINE;
  const got = { stopped: 0, first: 0, second: 0 };
  // what a stopped process does: it is subscribed, and never answers
  const { names } = stopped;
  const swallow = () => void (got.stopped += 1);
  const subject = names.control(carryOut.name);
  stopped.connection.subscribe(subject, { queue: 'engine', callback: swallow });
  stopped.connection.subscribe(`${subject}.who`, { callback: () => undefined });
  const serve = (broker: Broker, name: 'first' | 'second') => {
    const carriedOut = () => {
      got[name] += 1;
      return [{}];
    };
    return serveControl(broker, { carryOut }, { carryOut: carriedOut });
  };
  const servers = [serve(first, 'first'), serve(second, 'second')];
  for (const broker of [stopped, first, second]) await broker.connection.flush();

  const began = performance.now();
  for (let n = 0; n < 100; n++) {
    const how = { body: Buffer.alloc(0), timeout: 10_000 };
    await askSigned(asking, carryOut, { orders: [] }, how);
    await askControl(asking, carryOut, { orders: [] });
  }
  // each that went to it would take ten seconds
  expect(performance.now() - began).toBeLessThan(45_000);
  expect(got).toMatchObject({ stopped: 0, first: expect.any(Number) });
  expect(got.first + got.second).toBe(200);

  for (const server of servers) server.close();
  for (const broker of [first, second]) await broker.connection.flush();
  // nobody but the one that stands still
  await expect(
    askControl(asking, carryOut, { orders: [] }, { timeout: 300 }),
  ).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true });
  expect(got.stopped).toBe(0);
});

test('a request whose server has just stopped goes to another', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { connection, names } = broker;
  const { test: tried } = ENGINE;
  const subject = names.control(tried.name);
  // it said that it is there, and nobody has that name any more
  connection.subscribe(`${subject}.who`, { callback: (_, asked) => void asked.respond('stopped') });
  connection.subscribe(subject, {
    queue: 'engine',
    callback: (_, asked) => void asked.respond(JSON.stringify({ result: ['of another'] })),
  });
  await connection.flush();
  expect(await askControl(broker, tried, { host: 'ward' })).toEqual(['of another']);
});

test('who asks for long work learns soon that its server is gone or silent, waits while it works, and for an older one until the limit', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { connection, names } = broker;
  const { carryOut } = ENGINE;
  const work = { body: Buffer.alloc(0), timeout: 60_000 };
  const ask = (timeout = work.timeout) =>
    askSigned(broker, carryOut, { orders: [] }, { ...work, timeout });
  await expect(ask()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true });

  const asked: boolean[] = [];
  let signs: readonly object[] = [{ alive: gone() }];
  const dying = connection.subscribe(names.control(carryOut.name), {
    callback(_, message) {
      asked.push(message.headers?.has('Wb-Signs') === true);
      for (const sign of signs) message.respond(JSON.stringify(sign));
    },
  });
  await connection.flush();
  const began = performance.now();
  const lost = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('is gone') };
  await expect(ask()).rejects.toMatchObject(lost);
  // of another machine: nothing is known of its process
  signs = [{ alive: 'elsewhere/1/1' }];
  await expect(ask()).rejects.toMatchObject(lost);
  expect(performance.now() - began).toBeLessThan(30_000);
  signs = [];
  await expect(ask(300)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  expect(asked).toEqual([true, true, true]);
  dying.unsubscribe();

  const ending = Promise.withResolvers<void>();
  const server = serveControl(
    broker,
    { carryOut },
    { carryOut: () => ending.promise.then(() => [{}]) },
  );
  await connection.flush();
  const late = ask();
  const inTime = ask(600);
  await expect(inTime).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  ending.resolve();
  expect(await late).toEqual([{}]);
  server.close();
});

test('an answer larger than NATS takes at once arrives compressed; one that is too large even so says it', async () => {
  await using broker = await connectBroker({ ...(await ownProduction()), role: 'test' });
  const { files } = ENGINE;
  const most = broker.connection.info?.max_payload ?? 0;
  const names = Array.from({ length: most / 10 }, (_, n) => `host-${n}`).join(' ');
  const noise = randomBytes(most).toString('hex');
  const file = { hash: '', bytes: 1, editable: false };
  const server = serveControl(
    broker,
    { files },
    { files: ({ of }) => [{ ...file, path: of === 'disk' ? noise : names }] },
  );
  const patient = { timeout: 60_000 };
  expect((await askControl(broker, files, { of: 'running' }, patient))[0]?.path).toBe(names);
  await expect(askControl(broker, files, { of: 'disk' }, patient)).rejects.toMatchObject({
    code: 'MESSAGE_TOO_LARGE',
  });
  server.close();
});

test('a list that an engine of before does not lead on in is told to be cut', async () => {
  const own = await ownProduction();
  await using broker = await connectBroker({ ...own, role: 'test' });
  const one = { host: 'out', id: 's1', owner: 'app', about: 'Observation', place: 'app:443' };
  const state = { state: 'active', held: false, events: 0, failures: 0, end: 0 } as const;
  const items = [{ ...one, ...state, error: undefined, taken: undefined }];
  const { subscribers } = ENGINE;
  const server = serveControl(
    broker,
    { subscribers },
    { subscribers: () => ({ items, cut: true, next: undefined }) },
  );
  await broker.connection.flush();
  const url = new URL(own.url.replace(/^(?!nats:\/\/)/, 'nats://'));
  url.username = own.user ?? '';
  url.password = own.password ?? '';
  const where = ['--nats', url.href, '--production', own.production];
  const { output } = await ran(subscribersCommand(), where);
  expect(output).toMatch(/ s1 [^]*\nthere are more\n$/);
  server.close();
});
