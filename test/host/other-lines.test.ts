import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { leases } from '../../src/broker/lease.ts';
import { state } from '../../src/broker/state.ts';
import { type OtherLine, OtherLinesWork } from '../../src/host/other-lines.ts';
import { startNats } from '../support/nats.ts';

/** A host that found lines of an earlier order, with the leases of a real server. */
async function host({ held }: { readonly held: boolean }) {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const broker = stack.use(await connectBroker({ ...nats, production: 'lines', role: 'test' }));
  const { kv } = await state(broker);
  const found = new Map<string, OtherLine>();
  const done: string[] = [];
  const told: string[] = [];
  const stop = new AbortController();
  const work = new OtherLinesWork(
    {
      leases: leases(kv, 'this engine'),
      events: { told: (_host: string, _level: string, event: string) => told.push(event) } as never,
    },
    {
      name: 'out',
      held,
      others: {
        find: () => Promise.resolve([...found.values()]),
        prepare: () => Promise.resolve(undefined),
        isSettled: ({ stream }) => Promise.resolve(found.get(stream)?.waits !== true),
      },
      work(stream) {
        done.push(`begins ${stream}`);
        return async () => {
          done.push(`ends ${stream}`);
        };
      },
    },
  );
  const all = stack.move();
  return {
    work,
    done,
    told,
    stop,
    others: leases(kv, 'another engine'),
    waits(stream: string, generation: number) {
      found.set(stream, { stream, generation, earlier: true, waits: true, until: 1 });
    },
    settles(stream: string) {
      const line = found.get(stream);
      if (line !== undefined) found.set(stream, { ...line, waits: false });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await all.disposeAsync();
    },
  };
}

test('what waits in earlier lines goes first: generation after generation, the lines of one at once', async () => {
  await using on = await host({ held: true });
  on.waits('a1', 1);
  on.waits('b1', 1);
  on.waits('a2', 2);
  const over = on.work.first(on.stop.signal);
  await vi.waitFor(() => expect(on.done).toEqual(['begins a1', 'begins b1']));
  on.settles('a1');
  await vi.waitFor(() => expect(on.done).toContain('ends a1'));
  // a line of its own generation is not settled yet
  expect(on.done).not.toContain('begins a2');
  on.settles('b1');
  await vi.waitFor(() => expect(on.done.slice(-2)).toEqual(['ends b1', 'begins a2']));
  on.settles('a2');
  await over;
  expect(on.done.at(-1)).toBe('ends a2');
  expect(on.told).toEqual(['queue-order-changed']);
});

test('without earlier lines a host begins at once', async () => {
  await using on = await host({ held: true });
  await on.work.first(on.stop.signal);
  expect([on.done, on.told]).toEqual([[], []]);
});

test('lines that another engine works on are left to it, and taken once it lets go', async () => {
  await using on = await host({ held: false });
  on.waits('a1', 1);
  const lease = await on.others.take('queue.out');
  const over = on.work.first(on.stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(on.done).toEqual([]);
  await lease?.release();
  await vi.waitFor(() => expect(on.done).toEqual(['begins a1']));
  // as long as it works on them, nobody else does
  expect(await on.others.take('queue.out')).toBeUndefined();
  on.settles('a1');
  await over;
  expect(await on.others.take('queue.out')).toBeDefined();
});

test('a stop in the middle ends the work on a line, lets its lease go and begins no other', async () => {
  await using on = await host({ held: false });
  on.waits('a1', 1);
  on.waits('a2', 2);
  const over = on.work.first(on.stop.signal);
  await vi.waitFor(() => expect(on.done).toEqual(['begins a1']));
  on.stop.abort();
  await over;
  expect(on.done).toEqual(['begins a1', 'ends a1']);
  expect(await on.others.take('queue.out')).toBeDefined();
});
