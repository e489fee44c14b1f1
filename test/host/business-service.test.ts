import { afterEach, expect, test, vi } from 'vitest';
import { inbound, type LentInbound } from '../../src/adapter/adapter.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { LEASE_TIME, leases } from '../../src/broker/lease.ts';
import { state } from '../../src/broker/state.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A production with one service that polls, and what the engine lends it. */
async function polling() {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const opened: LentInbound<Settings>[] = [];
  const poller = inbound({
    type: 'test-in',
    title: 'Test',
    summary: 'Polls what the test says.',
    polling: true,
    settings: {},
    async open(lent) {
      opened.push(lent);
      return { close: () => Promise.resolve() };
    },
  });
  const out = testOutbound();
  const running = stack.use(
    await run(
      nats,
      definition({
        services: [serviceDefinition('in', poller, { to: ['out'] })],
        operations: [operationDefinition('out', out)],
      }),
    ),
  );
  const [lent] = await vi.waitFor(() => {
    expect(opened).toHaveLength(1);
    return opened as [LentInbound<Settings>];
  });
  const { engine } = running;
  const all = stack.move();
  return {
    lent,
    sent: out.sent,
    kept: await state(engine.broker),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const message = (text: string) => ({ body: Buffer.from(text), type: 'text/plain' });

test('a service that polls takes and notes nothing more once its engine stood still longer than its lease', async () => {
  await using made = await polling();
  const { lent, kept, sent } = made;
  await lent.deliver(message('1'));
  await lent.memory.write('up to 1');
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  const clock = performance.now.bind(performance);
  let later = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + later);
  const other = leases(kept.kv, 'other');
  expect(await other.take('poll.in')).toBeUndefined();
  later = LEASE_TIME + 1;
  const lease = await other.take('poll.in');
  expect(lease).toBeDefined();
  await kept.memory('in', () => true).write('up to 2');
  // its timers have not told it
  expect(lent.signal.aborted).toBe(false);
  await expect(lent.deliver(message('2'))).rejects.toMatchObject({ retryable: true });
  await expect(lent.memory.write('up to 1, again')).rejects.toMatchObject({ retryable: true });
  expect(await kept.memory('in').read()).toBe('up to 2');
  expect(sent).toHaveLength(1);
  await lease?.release();
});

test('a memory that was written meanwhile is written over only by the engine that has the host', async () => {
  await using made = await polling();
  const { kept } = made;
  let isFirst = true;
  const first = kept.memory('other', () => isFirst);
  expect(await first.read()).toBeUndefined();
  await first.write('a');
  const second = kept.memory('other', () => !isFirst);
  expect(await second.read()).toBe('a');
  // a late write of the first, which comes between
  await first.write('late');
  isFirst = false;
  await Promise.all([second.write('b'), second.write('c')]);
  expect(await kept.memory('other').read()).toBe('c');
  await expect(first.write('too late')).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  // an older version writes without asking
  await kept.memory('other').write('d');
  await second.write('e');
  expect(await second.read()).toBe('e');
});

test('a write that was on its way as the host went elsewhere fails', async () => {
  await using made = await polling();
  const { kept } = made;
  let asked = 0;
  // it was ours when it was asked first; then the process stood still
  const late = kept.memory('other', () => (asked += 1) === 1);
  await late.read();
  await kept.memory('other').write('newer');
  await expect(late.write('older')).rejects.toMatchObject({ retryable: true });
  expect(await kept.memory('other').read()).toBe('newer');
});

/** A production with one service whose adapter opens and closes as the test says, and milliseconds that a stop waits. */
async function stubborn(
  open: (lent: LentInbound<Settings>) => Promise<{ close(): Promise<void> }>,
  shutdownTimeout: number,
) {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const adapter = inbound({
    type: 'test-in',
    title: 'Test',
    summary: 'Has a peer that does not answer.',
    settings: {},
    open,
  });
  const given = definition({
    services: [serviceDefinition('in', adapter, { to: ['out'] })],
    operations: [operationDefinition('out', testOutbound())],
  });
  const settings = { ...given.settings, shutdownTimeout };
  const { director } = stack.use(await run(nats, { ...given, settings }));
  const all = stack.move();
  return { director, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const off = { by: 'test', at: 0, reason: 'test' };

test('a service that is still connecting is stopped at once: nothing is in flight', async () => {
  const signals: AbortSignal[] = [];
  await using made = await stubborn(({ signal }) => {
    signals.push(signal);
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    );
  }, 60_000);
  await vi.waitFor(() => expect(signals).toHaveLength(1));
  const begin = performance.now();
  await made.director.switchOff('in', off);
  expect(performance.now() - begin).toBeLessThan(5_000);
  expect(signals[0]?.aborted).toBe(true);
});

test('a service whose peer holds it up is stopped by force after shutdownTimeout', async () => {
  let isOpen = false;
  await using made = await stubborn(async ({ signal }) => {
    isOpen = true;
    const forced = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve()),
    );
    return { close: () => forced };
  }, 200);
  await vi.waitFor(() => expect(isOpen).toBe(true));
  await made.director.switchOff('in', off);
  expect(made.director.statuses().find(({ host }) => host === 'in')?.state).toBe('stopped');
});
