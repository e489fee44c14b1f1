import { expect, test } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { startNats } from '../support/nats.ts';

const CHUNK = Buffer.alloc(256 * 1024, 'x');

test('a body that breaks off leaves nothing in the store, and its own error is thrown', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'bodies', role: 'test' });
  const store = await bodies(broker);
  const kept = await store.put(1, [CHUNK, CHUNK]);
  const refusal = new EngineError('MESSAGE_TOO_LARGE', 'Too much.');
  async function* broken(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 20; n++) yield CHUNK;
    throw refusal;
  }
  await expect(store.put(2, broken())).rejects.toBe(refusal);
  const { state } = await broker.manager.streams.info('WB_bodies_BODIES');
  expect(state.messages).toBe(2);
  expect((await store.open(kept.bodyRef, kept.size).bytes()).byteLength).toBe(2 * CHUNK.length);
});
