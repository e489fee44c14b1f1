import { expect, test, vi } from 'vitest';
import { isAway } from '../../src/broker/away.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { startNats } from '../support/nats.ts';

test('a request that a killed server took fails with the connection; one made while it is away is answered after it', async () => {
  await using nats = await startNats();
  const statuses: string[] = [];
  await using broker = await connectBroker({
    ...nats,
    production: 'test',
    role: 'test',
    onStatus: (status) => statuses.push(status),
  });
  await using silent = await connectBroker({ ...nats, production: 'test', role: 'silent' });
  // takes requests and never answers: as a server that dies with them in its hands
  silent.connection.subscribe('silence');
  await silent.connection.flush();
  const began = performance.now();
  const unanswered = broker.connection.request('silence', '', { timeout: 60_000 });
  const failed = unanswered.catch((error: unknown) => error);
  await broker.connection.flush();
  process.kill(nats.pid ?? 0, 'SIGKILL');
  const error = await failed;
  expect(error).toMatchObject({ message: 'the connection was lost before an answer arrived' });
  expect(isAway(error)).toBe(true);
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(statuses).toEqual(['disconnected']);
  // the client would have dropped this one
  const info = await broker.manager.getAccountInfo();
  expect(info.streams).toBe(0);
  await vi.waitFor(() => expect(statuses).toEqual(['disconnected', 'connected']), 10_000);
});
