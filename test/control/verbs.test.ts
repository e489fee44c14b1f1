import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import {
  askAll,
  askControl,
  askSigned,
  orderAll,
  serveControl,
} from '../../src/control/control.ts';
import { ENGINE, PLANE, TRACE } from '../../src/control/verbs.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { gone } from '../support/gone.ts';
import { startNats } from '../support/nats.ts';

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

test('a result, a body and a failure cross NATS; who answers nothing has answered', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'verbs', role: 'test' });
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

test('where nobody listens there is no answer, and an order says so', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'nobody', role: 'test' });
  expect(await askAll(broker, ENGINE.status, null)).toEqual([]);
  const order = orderAll(broker, ENGINE.stop, { host: 'x', by: 'ann' });
  await expect(order).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
});

test('who asks for long work learns soon that its server is gone or silent, waits while it works, and for an older one until the limit', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'signs', role: 'test' });
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
