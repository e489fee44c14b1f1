import { expect, test } from 'vitest';
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
