import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { subscribeSteadily } from '../../src/broker/steady-subscription.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';
import { natsPeer } from '../support/nats-peer.ts';
import { tcpGate } from '../support/tcp-gate.ts';

/** A way to a server that says it has another version. */
async function pretending(url: string, version: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const called = connect(Number(new URL(url).port), '127.0.0.1');
    for (const socket of [caller, called]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    caller.pipe(called);
    called.once('data', (info: Buffer) => {
      caller.write(info.toString().replace(/"version":"[^"]*"/, `"version":"${version}"`));
      called.pipe(caller);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

test('a server that is too old, has another password, or no JetStream says so at once', async () => {
  await using nats = await startNats();
  const reach = (to: object) =>
    connectBroker({ ...nats, production: 'lab', role: 'test', ...to }).then(
      (broker) => broker.close(),
      (error: Error) => error.message,
    );
  expect(await reach({ url: await pretending(nats.url, '2.9.25') })).toMatch(
    /is version 2\.9\.25; Waybill needs 2\.10 or newer\. Update nats-server/,
  );
  expect(await reach({ url: await pretending(nats.url, '2.10.0') })).toBeUndefined();
  expect(await reach({ url: await pretending(nats.url, '3.0.0-beta') })).toBeUndefined();
  expect(await reach({ password: 'another' })).toMatch(/refuses the user or password\. Correct/);
});

test('a sign-in that came too late for the server is not told as refused, and is tried again', async () => {
  // by default 2 s, which a machine that starts everything at once may need
  const lines = ['authorization { user: lab, password: pw, timeout: 0.2 }'];
  await using nats = await natsPeer({ lines });
  await using gate = await tcpGate(nats.port);
  const url = `nats://127.0.0.1:${gate.port}`;
  const to = { url, user: 'lab', password: 'pw', production: 'lab', role: 'test' };
  gate.pause();
  const late = connectBroker(to);
  setTimeout(() => gate.resume(), 500);
  await expect(late).rejects.toMatchObject({
    retryable: true,
    message: expect.stringMatching(/did not get user and password in time/),
  });
  const wrong = { ...to, url: `nats://127.0.0.1:${nats.port}`, password: 'another' };
  await expect(connectBroker(wrong)).rejects.toMatchObject({ retryable: false });
});

test.for([
  ['nats://127.0.0.1:1', 'cannot be reached: connect ECONNREFUSED 127'],
  ['nats://nowhere.invalid:4222', 'cannot be reached: getaddrinfo E'],
] as const)('why nobody answers at %s is said', async ([url, why]) => {
  await expect(connectBroker({ url, production: 'lab', role: 'test' })).rejects.toThrow(why);
});

test('what the user may not do is told once, in the words of the server', async () => {
  await using nats = await startNats();
  const path = join(nats.data, 'nats.conf');
  const before = await readFile(path, 'utf8');
  const denying = before.replace(
    /^authorization \{ timeout: 30,(.*)\}$/m,
    'authorization { users: [{ $1, permissions: { subscribe: { deny: "wb.lab.c.>" }, publish: { deny: "wb.lab.q.>" } } }] }',
  );
  expect(denying).not.toBe(before);
  await writeFile(path, denying);
  process.kill(nats.pid ?? 0, 'SIGHUP');
  const denied = async (): Promise<unknown[]> => {
    const told: unknown[] = [];
    const onStatus = (...status: unknown[]): number => told.push(status);
    await using broker = await connectBroker({
      ...nats,
      production: 'lab',
      role: 'test',
      onStatus,
    });
    const { connection } = broker;
    connection.subscribe('wb.lab.c.stop', { callback: () => undefined });
    for (let times = 0; times < 3; times++) connection.publish('wb.lab.q.out');
    await connection.flush();
    await connection.flush();
    return told;
  };
  // it reads its configuration again when it comes to it
  await vi.waitFor(async () =>
    expect(await denied()).toEqual([
      ['denied', expect.stringMatching(/^Permissions Violation for Subscription .*lab\.c\.stop"/)],
      ['denied', expect.stringMatching(/^Permissions Violation for Publish .*lab\.q\.out"/)],
    ]),
  );
  // what is permitted later is heard without a restart
  await using broker = await connectBroker({ ...nats, production: 'lab', role: 'test' });
  const { connection } = broker;
  let heard = 0;
  const subscription = subscribeSteadily(connection, 'wb.lab.c.stop', { hear: () => (heard += 1) });
  await connection.flush();
  connection.publish('wb.lab.c.stop');
  await connection.flush();
  expect(heard).toBe(0);
  await writeFile(
    path,
    before.replace(/^authorization \{ timeout: 30,(.*)\}$/m, 'authorization { users: [{ $1 }] }'),
  );
  process.kill(nats.pid ?? 0, 'SIGHUP');
  await vi.waitFor(
    () => {
      connection.publish('wb.lab.c.stop');
      expect(heard).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 100 },
  );
  subscription.unsubscribe();
});

test('an inbox that is denied is told once, and what is acknowledged is heard once it is permitted again', async () => {
  await using nats = await startNats();
  const path = join(nats.data, 'nats.conf');
  const before = await readFile(path, 'utf8');
  const configure = async (text: string): Promise<void> => {
    await writeFile(path, text);
    process.kill(nats.pid ?? 0, 'SIGHUP');
  };
  const users = (permissions: string): string =>
    before.replace(
      /^authorization \{ timeout: 30,(.*)\}$/m,
      `authorization { users: [{ $1, permissions: { ${permissions} } }] }`,
    );
  const told: unknown[] = [];
  const onStatus = (...status: unknown[]): number => told.push(status);
  await using broker = await connectBroker({ ...nats, production: 'lab', role: 'test', onStatus });
  const { stream, subject } = broker.names.queue('out');
  await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 1_000_000 });
  await broker.publisher.publish(subject, Buffer.from('1'));
  await configure(users('subscribe: { deny: "_INBOX.>" }'));
  await vi.waitFor(() =>
    expect(told).toEqual([['denied', 'Permissions Violation for Subscription to "_INBOX.>"']]),
  );
  await configure(users('subscribe: ">"'));
  await vi.waitFor(() => broker.publisher.publish(subject, Buffer.from('2')), {
    timeout: 30_000,
  });
});

const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));

test('why a lost connection does not come back is told once', async () => {
  await using nats = await startNats();
  const told: unknown[] = [];
  const onStatus = (...status: unknown[]): number => told.push(status);
  await using broker = await connectBroker({ ...nats, production: 'lab', role: 'test', onStatus });
  // an engine has two
  await using second = await broker.another();
  await nats.stop();
  await vi.waitFor(
    () =>
      // the first may be told why before the other has noticed
      expect(told.toSorted(byText)).toEqual([
        ['disconnected'],
        ['disconnected', undefined],
        ['unreachable', expect.stringMatching(/^connect ECONNREFUSED 127\.0\.0\.1:\d+$/)],
      ]),
    { timeout: 20_000 },
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(told).toHaveLength(3);
  await Promise.all([broker.close(100), second.close(100)]);
});
