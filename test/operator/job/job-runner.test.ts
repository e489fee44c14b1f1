import { expect, test, vi } from 'vitest';
import type { MetaDatabase } from '../../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { EngineError } from '../../../src/error/engine-error.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import type { JobRights } from '../../../src/operator/job/job-rights.ts';
import { jobRunner } from '../../../src/operator/job/job-runner.ts';
import type { Job, JobItem } from '../../../src/operator/job/job-store.ts';
import { failed, type JobWork, type WorkResult } from '../../../src/operator/job/job-work.ts';
import { jobStore } from '../../../src/operator/job/stored-jobs.ts';
import { type Clock, fixedClock, systemClock } from '../../../src/time/clock.ts';
import { claimItem, settleItem } from '../../support/job-steps.ts';
import { orderer } from '../../support/orderer.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const order = {
  type: 'resend',
  orderer: orderer('ann'),
  reason: 'lost',
  target: undefined,
} as const;
const DAY = 86_400_000;
const HOUR = 3_600_000;

const everything: JobRights = async () => ({ visible: undefined });

type Act = (
  job: Job,
  item: JobItem,
  visible: readonly string[] | undefined,
) => Promise<{ readonly resultId?: number } | WorkResult>;

/** Acts on one message after another. */
const oneByOne = (act: Act): JobWork<readonly [JobItem, readonly string[] | undefined]> => ({
  most: () => 128,
  prepare: async (_, item, visible) => [item, visible],
  async carryOut(job, orders) {
    const results: WorkResult[] = [];
    for (const [item, visible] of orders)
      results.push(
        await act(job, item, visible).then(
          (done) => ('state' in done || 'again' in done ? done : { state: 'done', ...done }),
          failed,
        ),
      );
    return results;
  },
});

const runnerOf = (
  meta: MetaDatabase,
  act: Act,
  rights = everything,
  {
    clock = systemClock,
    work = oneByOne(act),
  }: { clock?: Clock; work?: ReturnType<typeof oneByOne> } = {},
) =>
  jobRunner({
    store: jobStore(meta),
    lists: frozenLists(meta),
    work,
    rights,
    trace: { outcomes: async () => [] },
    keep: () => 2 * DAY,
    live: { tell: () => undefined },
    log: silentLogger,
    clock,
  });

test('after a restart a job goes on; what was being done is uncertain and not done again', async () => {
  await using folder = await temporaryFolder('jobs');
  const before = await metaDatabase({ data: folder.path });
  const store = jobStore(before);
  const { id } = await store.add({ ...order, type: 'abort', ids: [11, 12, 13] });
  await settleItem(store, id, { n: 1, state: 'done', resultId: 91 });
  await claimItem(store, id, 2);
  await before.close();

  const meta = await metaDatabase({ data: folder.path });
  const done: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    done.push(messageId);
    return { resultId: messageId + 80 };
  });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(done).toEqual([13]);
  expect((await runner.store.items(id, { limit: 10 })).map(({ state }) => state)).toEqual([
    'done',
    'uncertain',
    'done',
  ]);
  expect(await runner.store.find(id)).toMatchObject({ total: 3, done: 2, failed: 1 });
  await runner.stop();
  await meta.close();
});

test('a job that is cancelled finishes what is under way and begins nothing else', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const first = Promise.withResolvers<void>();
  const runner = runnerOf(meta, async () => {
    await first.promise;
    return {};
  });
  const { id } = await runner.start({ ...order, ids: Array.from({ length: 300 }, (_, n) => n) });
  await vi.waitFor(async () =>
    expect((await runner.store.items(id, { limit: 1 }))[0]?.state).toBe('doing'),
  );
  await runner.cancel(id);
  first.resolve();
  await runner.stop();
  expect(await runner.store.items(id, { state: 'done', limit: 500 })).toHaveLength(128);
  expect(await runner.store.items(id, { state: 'cancelled', limit: 500 })).toHaveLength(172);
  expect((await runner.store.find(id))?.state).toBe('cancelled');
  await meta.close();
});

test('a message that fails does not end the job, and says why', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const runner = runnerOf(meta, async (_, { messageId }) => {
    if (messageId === 2) throw new EngineError('NOT_FOUND', 'its body is gone');
    return {};
  });
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(await runner.store.items(id, { state: 'failed', limit: 10 })).toMatchObject([
    { messageId: 2, code: 'NOT_FOUND', text: 'its body is gone' },
  ]);
  expect(await runner.store.find(id)).toMatchObject({ done: 2, failed: 1 });
  await runner.stop();
  await meta.close();
});

test('a job whose host is removed or renamed while it runs is paused, and goes on once it is back', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  let isThere = true;
  const runner = runnerOf(meta, async (_, { messageId }) => {
    if (messageId === 128) isThere = false;
    if (!isThere) throw new EngineError('HOST_UNKNOWN', 'there is no lab any more: bring it back');
    return {};
  });
  const ids = Array.from({ length: 400 }, (_, n) => n);
  const { id } = await runner.start({ ...order, ids });
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({
      state: 'paused',
      done: 128,
      failed: 128,
      why: expect.stringMatching(/^the production was changed .* no lab any more: bring it back\./),
    }),
  );
  isThere = true;
  await runner.resume(id);
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(await runner.store.find(id)).toMatchObject({ done: 272, failed: 128, why: undefined });
  // gone again, and a person lets it continue all the same: it is not paused for each window
  const third = await runner.start({
    ...order,
    ids: [...ids.slice(120, 400), ...ids.slice(0, 120)],
  });
  await vi.waitFor(async () =>
    expect(await runner.store.find(third.id)).toMatchObject({ state: 'paused' }),
  );
  await runner.resume(third.id);
  await vi.waitFor(async () => expect((await runner.store.find(third.id))?.state).toBe('finished'));
  // none was there when it began: each says so for itself
  isThere = false;
  const other = await runner.start({ ...order, ids: ids.slice(0, 200) });
  await vi.waitFor(async () => expect((await runner.store.find(other.id))?.state).toBe('finished'));
  await runner.stop();
  await meta.close();
});

test('a job is stopped before the message that its orderer may not touch any longer, and says why', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const seen: unknown[] = [];
  let asked = 0;
  const runner = runnerOf(
    meta,
    async (_, { messageId }, visible) => {
      seen.push([messageId, visible]);
      return {};
    },
    // they lose it while the first is dealt with
    async () =>
      ++asked === 1 ? { visible: ['ward'] } : { stop: 'ann lacks message.resend by now' },
  );
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('stopped'));
  expect(seen).toEqual([[1, ['ward']]]);
  expect(await runner.store.find(id)).toMatchObject({
    why: 'ann lacks message.resend by now',
    done: 1,
  });
  // right after the job itself
  await vi.waitFor(async () =>
    expect(await runner.store.items(id, { limit: 10 })).toMatchObject([
      { state: 'done' },
      { state: 'cancelled' },
      { state: 'cancelled' },
    ]),
  );
  await runner.stop();
  await meta.close();
});

test('jobs go as long after their end as messages stay, with the results of each message; what runs stays', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const store = jobStore(meta);
  const ended = async (ago: number): Promise<number> => {
    const { id } = await store.add({ ...order, ids: [1, 2] });
    await store.end(id, 'finished');
    await meta.run('UPDATE job SET ended = ? WHERE id = ?', Date.now() - ago, id);
    return id;
  };
  await ended(2 * DAY + 60_000);
  const late = await ended(2 * DAY - 60_000);
  const unfinished = Promise.withResolvers<Record<string, never>>();
  const runner = runnerOf(meta, () => unfinished.promise);
  const { id: running } = await runner.start({ ...order, ids: [3] });
  // at its beginning, and whenever it is asked to
  await vi.waitFor(async () =>
    expect((await store.list(10)).map(({ id }) => id)).toEqual([running, late]),
  );
  expect(await store.size()).toEqual({ jobs: 2, messages: 3 });
  await ended(3 * DAY);
  expect(await runner.purge()).toEqual({ jobs: 1, messages: 2 });
  unfinished.resolve({});
  await runner.stop();
  await meta.close();
});

test.concurrent('what cannot be done for now is given again under its name, and the job says what it waits for', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const given: number[] = [];
  let isFull = true;
  const runner = runnerOf(meta, async (_, { n }) => {
    given.push(n);
    if (n === 1 || !isFull) return { resultId: 80 + n };
    return { again: 'the queue of out is full', begun: n === 2 };
  });
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({
      state: 'running',
      why: 'the queue of out is full',
      done: 1,
    }),
  );
  isFull = false;
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ state: 'finished', done: 3, failed: 0 }),
  );
  expect((await runner.store.find(id))?.why).toBeUndefined();
  expect(given.filter((n) => n === 1)).toEqual([1]);
  expect(given.slice(-2)).toEqual([2, 3]);
  await runner.stop();
  await meta.close();
});

test.concurrent('a job that waits ends when it is cancelled, and says of what was begun that it is uncertain', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const runner = runnerOf(meta, async (_, { n }) => ({ again: 'NATS is away', begun: n === 1 }));
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.why).toBe('NATS is away'));
  await runner.cancel(id);
  await vi.waitFor(async () =>
    expect((await runner.store.items(id, { limit: 9 })).map(({ state }) => state)).toEqual([
      'uncertain',
      'cancelled',
      'cancelled',
    ]),
  );
  await runner.stop();
  await meta.close();
});

test.concurrent('a job is paused and goes on; cancelled while it is paused, it ends', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const first = Promise.withResolvers<void>();
  const runner = runnerOf(meta, async () => {
    await first.promise;
    return {};
  });
  const { id } = await runner.start({ ...order, ids: Array.from({ length: 200 }, (_, n) => n) });
  await vi.waitFor(async () =>
    expect((await runner.store.items(id, { limit: 1 }))[0]?.state).toBe('doing'),
  );
  await runner.pause(id);
  first.resolve();
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ state: 'paused', done: 128 }),
  );
  await runner.resume(id);
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ state: 'finished', done: 200 }),
  );
  // one that has ended neither pauses nor goes on
  await runner.pause(id);
  expect((await runner.store.find(id))?.state).toBe('finished');
  const { id: second } = await runner.store.add({ ...order, ids: [1] });
  await runner.store.pause(second);
  await runner.cancel(second);
  expect(await runner.store.items(second, { limit: 1 })).toMatchObject([{ state: 'cancelled' }]);
  await runner.stop();
  await meta.close();
});

test.concurrent('a job waits for an engine that is away, and its messages do not fail meanwhile', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  let isThere = true;
  const tried: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    tried.push(messageId);
    if (messageId === 2 && tried.length === 2) isThere = false;
    return isThere ? { state: 'done' } : { again: 'no engine answers', begun: true };
  });
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(() => expect(tried.length).toBeGreaterThan(3));
  // whoever cancels another one does not wait for the engine
  const other = await runner.start({ ...order, ids: [4, 5] });
  await runner.cancel(other.id);
  expect(await runner.store.items(other.id, { state: 'cancelled', limit: 9 })).toHaveLength(2);
  isThere = true;
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(await runner.store.find(id)).toMatchObject({ done: 3, failed: 0 });
  expect(new Set(tried)).toEqual(new Set([1, 2, 3]));
  await runner.stop();
  await meta.close();
});

test.concurrent('a message that fails by itself, although an engine answers, fails after some tries; the others go on', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const tried: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    tried.push(messageId);
    if (messageId === 3) return { state: 'done' };
    return { again: 'slow', begun: messageId === 2, own: 'LOOKUP_UNAVAILABLE' };
  });
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(tried.toSorted((a, b) => a - b)).toEqual([1, 1, 1, 2, 2, 2, 3]);
  expect(await runner.store.items(id, { limit: 9 })).toMatchObject([
    { state: 'failed', code: 'LOOKUP_UNAVAILABLE', text: 'slow' },
    { state: 'uncertain', code: 'LOOKUP_UNAVAILABLE' },
    { state: 'done' },
  ]);
  await runner.stop();
  await meta.close();
});

test.concurrent('a job of a database restored from an old backup is not done again by itself, but by who continues it', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const made = jobStore(meta);
  const old = await made.add({ ...order, ids: [1, 2, 3] });
  await claimItem(made, old.id, 1);
  await settleItem(made, old.id, { n: 1, state: 'done' });
  const ago = Date.now() - 21 * HOUR;
  await meta.run('UPDATE job SET created = ?', ago);
  await meta.run('UPDATE job_item SET at = ? WHERE at IS NOT NULL', ago);
  const slow = await made.add({ ...order, ids: [4, 5] });
  // made long ago, and not forgotten
  await claimItem(made, slow.id, 1);
  await settleItem(made, slow.id, { n: 1, state: 'done' });
  await meta.run('UPDATE job SET created = ? WHERE id = ?', ago, slow.id);
  const acted: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    acted.push(messageId);
    return { state: 'done' };
  });
  await vi.waitFor(async () => expect((await runner.store.find(slow.id))?.state).toBe('finished'));
  expect(acted).toEqual([5]);
  expect(await runner.store.find(old.id)).toMatchObject({
    state: 'paused',
    why: expect.stringMatching(/restored from a backup/),
    done: 1,
  });
  await runner.resume(old.id);
  await vi.waitFor(async () => expect((await runner.store.find(old.id))?.state).toBe('finished'));
  expect(acted).toEqual([5, 2, 3]);
  await runner.stop();
  await meta.close();
});

test.concurrent('a job for which nothing can be done for an hour is stopped; not one that gets on slowly', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const clock = fixedClock(1_000_000);
  let refused = 0;
  const act: Act = async (_, { messageId }) => {
    if (messageId === 1 && clock.now() > 1_000_000) return { state: 'done' };
    refused += 1;
    return { again: 'the queue of out is full', begun: false };
  };
  const runner = runnerOf(meta, act, everything, { clock });
  const { id } = await runner.start({ ...order, ids: [1, 2] });
  const waits = { state: 'running', why: 'the queue of out is full' };
  await vi.waitFor(async () => expect(await runner.store.find(id)).toMatchObject(waits));
  clock.set(1_000_000 + HOUR + 1);
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ ...waits, done: 1 }),
  );
  // the hour began with what was done, before the next round
  const before = refused;
  await vi.waitFor(() => expect(refused).toBeGreaterThan(before), 10_000);
  clock.set(1_000_000 + 2 * HOUR + 2);
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('stopped'));
  expect(await runner.store.find(id)).toMatchObject({
    why: 'nothing could be done for an hour: the queue of out is full',
    done: 1,
  });
  // right after the job itself
  await vi.waitFor(async () =>
    expect(await runner.store.items(id, { limit: 9 })).toMatchObject([
      { state: 'done' },
      { state: 'cancelled' },
    ]),
  );
  await runner.stop();
  await meta.close();
});

test.concurrent('while the trace cannot be read, a job waits, and is stopped after an hour', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const clock = fixedClock(1_000_000);
  const given: number[] = [];
  const plain = oneByOne(async (_, { messageId }) => {
    given.push(messageId);
    return {};
  });
  let isThere = false;
  const work: typeof plain = {
    ...plain,
    async prepare(job, item, visible) {
      if (item.messageId === 1 || isThere) return plain.prepare(job, item, visible);
      throw new EngineError('STORE_UNAVAILABLE', 'the trace is away', { retryable: true });
    },
  };
  const runner = runnerOf(meta, async () => ({}), everything, { clock, work });
  const waits = { state: 'running', why: 'the trace is away', failed: 0 };
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ ...waits, done: 1 }),
  );
  isThere = true;
  await vi.waitFor(async () =>
    expect(await runner.store.find(id)).toMatchObject({ state: 'finished', done: 3, failed: 0 }),
  );
  expect((await runner.store.find(id))?.why).toBeUndefined();
  expect(given).toEqual([1, 2, 3]);
  isThere = false;
  const { id: second } = await runner.start({ ...order, ids: [2] });
  await vi.waitFor(async () => expect(await runner.store.find(second)).toMatchObject(waits));
  clock.set(1_000_000 + HOUR + 1);
  await vi.waitFor(async () => expect((await runner.store.find(second))?.state).toBe('stopped'));
  await runner.stop();
  await meta.close();
});

test('a job that is not over holds up only what it has still to do, and what it did after a list was made', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const store = jobStore(meta);
  const lists = frozenLists(meta);
  const { id } = await store.add({ ...order, ids: [11, 12, 13] });
  await settleItem(store, id, { n: 1, state: 'done', resultId: 91 });
  await settleItem(store, id, { n: 2, state: 'done', resultId: 92 });
  await store.pause(id);
  await meta.run('UPDATE job_item SET at = at - ? WHERE n = 1', HOUR);
  const another = async (name: string, ids: readonly number[]): Promise<number> => {
    await lists.keep(name, { owner: 'ben', ids, visible: undefined, complete: true });
    return (await store.add({ ...order, ids, list: name })).id;
  };
  // it has been sent again, and whoever made this list knows it
  expect(await another('a', [11])).toBeGreaterThan(id);
  await expect(another('b', [12])).rejects.toMatchObject({ code: 'LIST_OUTDATED' });
  await expect(another('c', [13])).rejects.toMatchObject({ code: 'LIST_OUTDATED' });
  await meta.close();
});

test('what another job has sent since a job was ordered is left out', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const store = jobStore(meta);
  const { id: first } = await store.add({ ...order, ids: [11] });
  const { id: second } = await store.add({ ...order, ids: [21, 22] });
  // as two planes may order them at once
  await meta.run('UPDATE job_item SET message_id = 11 WHERE job_id = ? AND n = 1', second);
  const sent: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    sent.push(messageId);
    return { resultId: 90 + messageId };
  });
  await vi.waitFor(async () => expect((await store.find(second))?.state).toBe('finished'), 10_000);
  expect(sent).toEqual([11, 22]);
  expect(await store.items(second, { limit: 2 })).toMatchObject([
    {
      state: 'failed',
      text: expect.stringContaining(`job ${first} of ann has sent it since this one was ordered`),
    },
    { state: 'done' },
  ]);
  await runner.stop();
  await meta.close();
});
