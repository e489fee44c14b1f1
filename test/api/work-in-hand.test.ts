import { fastify } from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { awaitWorkInHand } from '../../src/api/work-in-hand.ts';

interface Served {
  readonly url: string;
  readonly recorded: string[];
  readonly warned: unknown[];
  readonly begun: () => number;
  readonly goOn: () => void;
  readonly inject: () => void;
  readonly close: () => Promise<void>;
}

/** A server with one route that does something, and records it once it may go on. */
async function served(atMost?: number): Promise<Served> {
  const app = fastify({ forceCloseConnections: true });
  const warned: unknown[] = [];
  const recorded: string[] = [];
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  awaitWorkInHand(app, { warn: (what: unknown) => warned.push(what) }, atMost);
  app.get('/act', async () => {
    begun++;
    await gate.promise;
    recorded.push('done');
    return {};
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    gate.resolve();
    await app.close();
  });
  return {
    url,
    recorded,
    warned,
    begun: () => begun,
    goOn: gate.resolve,
    // refused once the server is closed, as its asker is told
    inject: () => void app.inject('/act').then(undefined, () => undefined),
    close: () => app.close(),
  };
}

test('a stop waits for what is being carried out, for a connection and for another console', async () => {
  const server = await served();
  const asked = fetch(`${server.url}/act`).then(
    () => 'answered',
    () => 'cut',
  );
  server.inject();
  await vi.waitFor(() => expect(server.begun()).toBe(2));
  const closed = vi.fn<() => void>();
  const closing = server.close().then(closed);
  expect(await asked).toBe('cut');
  await new Promise(setImmediate);
  expect(closed).not.toHaveBeenCalled();
  server.goOn();
  await closing;
  expect(server.recorded).toEqual(['done', 'done']);
  expect(server.warned).toEqual([]);
});

test('a stop does not wait for ever, and says so', async () => {
  const server = await served(20);
  server.inject();
  await vi.waitFor(() => expect(server.begun()).toBe(1));
  await server.close();
  expect(server.recorded).toEqual([]);
  expect(server.warned).toEqual([{ event: 'requests-abandoned', requests: 1, waited: 20 }]);
});
