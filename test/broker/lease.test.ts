import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KV } from '@nats-io/kv';
import { afterEach, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { freeLeases, LEASE_TIME, leases } from '../../src/broker/lease.ts';
import { isGone, processIdentity } from '../../src/broker/process-identity.ts';
import { state } from '../../src/broker/state.ts';
import { type Waiting, whileHeld } from '../../src/broker/while-held.ts';
import { engineNumber } from '../../src/engine/engine.ts';
import { startNats } from '../support/nats.ts';

const HOUR = 3_600_000;

interface Lab extends AsyncDisposable {
  readonly kv: KV;
  /** Removes what the server holds of a key, as if it had never been written. */
  forget(key: string): Promise<void>;
  readonly pid: number | undefined;
}

async function lab(): Promise<Lab> {
  const nats = await startNats();
  const broker = await connectBroker({ ...nats, production: 'lease', role: 'test' });
  const { kv } = await state(broker);
  return {
    kv,
    pid: nats.pid,
    async forget(key) {
      const filter = `$KV.${broker.names.state}.${key}`;
      await broker.manager.streams.purge(`KV_${broker.names.state}`, { filter });
    },
    async [Symbol.asyncDispose]() {
      await broker.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

/** Another process, and how it calls itself. */
async function otherProcess(): Promise<{
  readonly child: ChildProcess;
  readonly identity: string;
}> {
  const module = join(import.meta.dirname, '../../src/broker/process-identity.ts');
  const script = `import(${JSON.stringify(module)}).then((m) => { console.log(m.processIdentity()); setInterval(() => {}, 1000); });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, identity: line.toString().trim() };
}

/** A lease as an engine that is not of this machine left it. */
const written = (holder: string, process?: string): string => JSON.stringify({ holder, process });

afterEach(() => {
  vi.useRealTimers();
});

test('a lease has one holder; it is free again when it is released', async () => {
  await using made = await lab();
  const [a, b] = [leases(made.kv, 'a'), leases(made.kv, 'b')];
  const held = await a.take('poll.x');
  expect(held).toBeDefined();
  expect(await b.take('poll.x')).toBeUndefined();
  expect(await b.heldByOthers('poll')).toEqual(['poll.x']);
  expect(await a.heldByOthers('poll')).toEqual([]);
  await held?.release();
  expect(await b.heldByOthers('poll', { evenGone: true })).toEqual([]);
  const taken = await b.take('poll.x');
  expect(taken).toBeDefined();
  await taken?.release();
});

test('a holder that stood still knows that its lease is over before its timers tell it', async () => {
  await using made = await lab();
  vi.useFakeTimers({ toFake: ['performance'] });
  const held = await leases(made.kv, 'a').take('poll.x');
  expect(held?.isHeld()).toBe(true);
  vi.advanceTimersByTime(LEASE_TIME);
  expect(held?.signal.aborted).toBe(false);
  expect(held?.isHeld()).toBe(false);
  expect(held?.signal.aborted).toBe(true);
  await held?.release();
});

test.for([
  ['ahead', HOUR],
  ['behind', -HOUR],
] as const)('a clock that is an hour %s takes no lease of a living holder', async ([, skew]) => {
  await using made = await lab();
  const held = await leases(made.kv, 'a').take('poll.x');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skew });
  const b = leases(made.kv, 'b');
  expect(await b.take('poll.x')).toBeUndefined();
  expect(await b.heldByOthers('poll')).toEqual(['poll.x']);
  expect(held?.signal.aborted).toBe(false);
  await held?.release();
});

test('a holder that falls silent is succeeded after the lease time as it is seen, whatever its clock said', async () => {
  await using made = await lab();
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + HOUR });
  await made.kv.put('lease.poll.x', written('of a dead machine'));
  const b = leases(made.kv, 'b');
  expect(await b.take('poll.x')).toBeUndefined();
  vi.advanceTimersByTime(LEASE_TIME - 1_000);
  expect(await b.take('poll.x')).toBeUndefined();
  // it renews once more, and its time begins anew
  await made.kv.put('lease.poll.x', written('of a dead machine'));
  vi.advanceTimersByTime(2_000);
  expect(await b.take('poll.x')).toBeUndefined();
  vi.advanceTimersByTime(LEASE_TIME + 1);
  const taken = await b.take('poll.x');
  expect(taken).toBeDefined();
  await taken?.release();
});

test.runIf(process.platform === 'linux')(
  'a lease of a process that was killed is free at once; one of a living process, or of the same number elsewhere, is not',
  async () => {
    await using made = await lab();
    const { child, identity } = await otherProcess();
    await made.kv.put('lease.poll.x', written('other', identity));
    expect(await leases(made.kv, 'me').take('poll.x')).toBeUndefined();
    const elsewhere = identity.replace(/pid:\[\d+\]/, 'pid:[1]');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await leases(made.kv, 'me').heldByOthers('poll')).toEqual([]);
    expect(await leases(made.kv, 'me').heldByOthers('poll', { evenGone: true })).toEqual([
      'poll.x',
    ]);
    // another container knows nothing of our numbers
    await made.kv.put('lease.poll.y', written('other', elsewhere));
    expect(await leases(made.kv, 'me').take('poll.y')).toBeUndefined();
    const taken = await leases(made.kv, 'me').take('poll.x');
    expect(taken).toBeDefined();
    await taken?.release();
  },
);

test.runIf(process.platform === 'linux')(
  'a number that was given out again is another process',
  () => {
    const own = processIdentity() ?? '';
    expect(isGone(own)).toBe(false);
    expect(isGone(own.replace(/\d+$/, '1'))).toBe(true);
    expect(isGone(undefined)).toBe(false);
    expect(isGone('nonsense')).toBe(false);
  },
);

test('an engine that has started its own server frees what the dead held', async () => {
  await using made = await lab();
  await made.kv.put('lease.engine.0', written('dead'));
  await made.kv.put('lease.queue.out', written('dead'));
  await freeLeases(made.kv);
  const mine = leases(made.kv, 'me');
  expect(await mine.heldByOthers('engine')).toEqual([]);
  const taken = await mine.take('queue.out');
  expect(taken).toBeDefined();
  await taken?.release();
});

test('who leaves something half done, or is killed, tells the next holder', async () => {
  await using made = await lab();
  const [a, b] = [leases(made.kv, 'a'), leases(made.kv, 'b')];
  const first = await a.take('queue.x');
  expect(first?.takenOver).toBe(false);
  await first?.release('unclean');
  expect(await b.heldByOthers('queue')).toEqual([]);
  const next = await b.take('queue.x');
  expect(next?.takenOver).toBe(true);
  await next?.release();
  expect((await a.take('queue.x'))?.takenOver).toBe(false);
  // its server starts anew, and no engine can live
  await freeLeases(made.kv);
  expect((await b.take('queue.x'))?.takenOver).toBe(true);
});

test('an entry that is damaged is free, as one that was left half done', async () => {
  await using made = await lab();
  await made.kv.put('lease.queue.x', 'not what an engine writes');
  const taken = await leases(made.kv, 'me').take('queue.x');
  expect(taken?.takenOver).toBe(true);
  await taken?.release();
});

// these wait for the time of a lease, beside each other

test.concurrent('a holder without its server lets go before any other may take the lease', async () => {
  await using made = await lab();
  const held = await leases(made.kv, 'a').take('poll.x');
  const began = performance.now();
  process.kill(made.pid ?? 0, 'SIGSTOP');
  try {
    await vi.waitFor(() => expect(held?.signal.aborted).toBe(true), { timeout: 2 * LEASE_TIME });
    expect(performance.now() - began).toBeLessThan(LEASE_TIME);
  } finally {
    process.kill(made.pid ?? 0, 'SIGCONT');
  }
  await held?.release();
});

test.concurrent('a holder keeps its lease where the server lost it, or has another revision of it than was written', async () => {
  await using made = await lab();
  const mine = leases(made.kv, 'me');
  const [gone, other] = [await mine.take('queue.gone'), await mine.take('queue.other')];
  await made.forget('lease.queue.gone');
  expect(await made.kv.get('lease.queue.gone')).toBeNull();
  await made.kv.put('lease.queue.other', (await made.kv.get('lease.queue.other'))?.value ?? '');
  // longer than a lease is kept without a renewal
  await sleep(7_000);
  for (const one of [gone, other]) expect(one?.signal.aborted).toBe(false);
  expect(await leases(made.kv, 'other').take('queue.gone')).toBeUndefined();
  await Promise.all([gone?.release(), other?.release()]);
  // released is released, whatever revision it had
  expect(await leases(made.kv, 'other').heldByOthers('queue')).toEqual([]);
});

test.concurrent('an engine whose number was taken meanwhile takes another', async () => {
  await using made = await lab();
  const number = await engineNumber(leases(made.kv, 'me'));
  expect(number.value).toBe(0);
  await made.kv.put('lease.engine.0', written('other'));
  await vi.waitFor(() => expect(number.value).toBe(1), { timeout: 6_000, interval: 50 });
  await number.release();
});

test.concurrent('who waits for a lease knows whether somebody works under it', async () => {
  await using made = await lab();
  const stop = new AbortController();
  const seen: (string | undefined)[] = [];
  const waiting = (mine: Parameters<typeof whileHeld>[0], run: () => Promise<'clean'>) =>
    whileHeld(mine, 'queue.x', {
      signal: stop.signal,
      run,
      onWaiting: ({ problem }: Waiting) => {
        seen.push(problem);
        if (seen.length === 2) stop.abort();
      },
    });
  await made.kv.put('lease.queue.x', written('another engine'));
  const mine = leases(made.kv, 'me');
  const never = { ...mine, seen: () => 'stale' as const };
  await waiting({ ...never, take: () => Promise.resolve(undefined) }, () =>
    Promise.resolve('clean'),
  );
  expect(seen).toEqual(Array(2).fill('its lease is held but not renewed'));
  expect(await mine.take('queue.x')).toBeUndefined();
  // nobody knows yet whether that engine lives
  expect(mine.seen('queue.x')).toBe('once');
  await made.kv.put('lease.queue.x', written('another engine'));
  expect(await mine.take('queue.x')).toBeUndefined();
  expect(mine.seen('queue.x')).toBe('renewed');
});
