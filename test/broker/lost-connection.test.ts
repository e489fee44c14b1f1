import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { startNats } from '../support/nats.ts';

test('what was on its way when nats-server was killed is stored when it is back: all, once, in order', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'lost', role: 'test' });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 60_000, limit: 100_000_000 });
  const stored: Promise<unknown>[] = [];
  const next = (): void => {
    const msgID = `${stored.length}`;
    stored.push(broker.publisher.publish(subject, Buffer.from(msgID), { msgID }));
  };
  for (let n = 0; n < 500; n++) next();
  await stored[100];
  if (nats.pid === undefined) throw new Error('the server runs');
  process.kill(nats.pid, 'SIGKILL');
  // also while it is away
  for (let n = 0; n < 20; n++) {
    next();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const one of await Promise.all(stored)) expect(one).toMatchObject({ duplicate: false });

  const kept: number[] = [];
  for (let seq = 1; seq <= stored.length; seq++) {
    const message = await broker.manager.streams.getMessage(stream, { seq });
    kept.push(Number(message?.string()));
  }
  expect(kept).toEqual(stored.map((_, n) => n));
  const { state } = await broker.manager.streams.info(stream);
  expect(state.last_seq).toBe(stored.length);
});

test('another connection that is made while nats-server is started again is made when it is back', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'lost', role: 'test' });
  if (nats.pid === undefined) throw new Error('the server runs');
  process.kill(nats.pid, 'SIGKILL');
  await using another = await broker.another();
  expect(another.connection.isClosed()).toBe(false);
});

test('a password that is refused for a while is told once, and all goes on when it is taken again', async () => {
  await using nats = await startNats();
  const told: string[] = [];
  await using broker = await connectBroker({
    ...nats,
    production: 'lost',
    role: 'test',
    onStatus: (status) => told.push(status),
  });
  const { stream, subject } = broker.names.queue('lab', undefined);
  await ensureStream(broker, stream, [subject], { duplicateWindow: 60_000, limit: 100_000_000 });
  const path = join(nats.data, 'nats.conf');
  const before = await readFile(path, 'utf8');
  const configure = async (text: string): Promise<void> => {
    await writeFile(path, text);
    if (nats.pid === undefined) throw new Error('the server runs');
    process.kill(nats.pid, 'SIGHUP');
  };
  await configure(before.replace(/password: "[^"]*"/, 'password: "another"'));
  await vi.waitFor(() => expect(told.filter((one) => one === 'disconnected').length).toBe(3));
  const stored = broker.publisher.publish(subject, Buffer.from('meanwhile'), { msgID: '1' });
  await configure(before);
  expect(await stored).toMatchObject({ duplicate: false });
  expect(told.filter((one) => one === 'refused')).toEqual(['refused']);
  expect(told.at(-1)).toBe('connected');
});
