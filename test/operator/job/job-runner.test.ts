import { expect, test, vi } from 'vitest';
import type { MetaDatabase } from '../../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { EngineError } from '../../../src/error/engine-error.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import type { JobRights } from '../../../src/operator/job/job-rights.ts';
import { type JobWork, jobRunner } from '../../../src/operator/job/job-runner.ts';
import { jobStore } from '../../../src/operator/job/job-store.ts';
import { orderer } from '../../support/orderer.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const order = {
  type: 'resend',
  orderer: orderer('ann'),
  reason: 'lost',
  target: undefined,
} as const;
const DAY = 86_400_000;

const everything: JobRights = async () => ({ visible: undefined });

const runnerOf = (
  meta: MetaDatabase,
  work: JobWork,
  rights = everything,
  answers = () => Promise.resolve(true),
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
    answers,
  });

test('after a restart a job goes on; what was being done is uncertain and not done again', async () => {
  await using folder = await temporaryFolder('jobs');
  const before = await metaDatabase({ data: folder.path });
  const store = jobStore(before);
  const { id } = await store.add({ ...order, ids: [11, 12, 13] });
  await store.settle(id, 1, { state: 'done', resultId: 91 });
  await store.settle(id, 2, { state: 'doing' });
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

test('a job that is cancelled finishes the message it is at and begins no other', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const first = Promise.withResolvers<void>();
  const runner = runnerOf(meta, async () => {
    await first.promise;
    return {};
  });
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () =>
    expect((await runner.store.items(id, { limit: 1 }))[0]?.state).toBe('doing'),
  );
  await runner.cancel(id);
  first.resolve();
  await runner.stop();
  expect((await runner.store.items(id, { limit: 10 })).map(({ state }) => state)).toEqual([
    'done',
    'cancelled',
    'cancelled',
  ]);
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

test('a job waits for an engine that is away, and its messages do not fail meanwhile', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  let isThere = true;
  const tried: number[] = [];
  const work: JobWork = async (_, { messageId }) => {
    tried.push(messageId);
    if (messageId === 2 && tried.length === 2) isThere = false;
    if (!isThere) throw new EngineError('BROKER_UNAVAILABLE', 'nobody', { retryable: true });
    return {};
  };
  const runner = runnerOf(meta, work, everything, async () => isThere);
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(() => expect(tried.length).toBeGreaterThan(2));
  // whoever cancels it does not wait for the engine
  const other = await runner.start({ ...order, ids: [4, 5] });
  await runner.cancel(other.id);
  isThere = true;
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(new Set(tried)).toEqual(new Set([1, 2, 3]));
  expect(await runner.store.find(id)).toMatchObject({ done: 3, failed: 0 });
  await runner.stop();
  await meta.close();
});

test('a job that is cancelled while its engine is away leaves nothing open', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  let tries = 0;
  const work: JobWork = async () => {
    tries += 1;
    throw new EngineError('BROKER_UNAVAILABLE', 'nobody', { retryable: true });
  };
  const runner = runnerOf(meta, work, everything, async () => false);
  const { id } = await runner.start({ ...order, ids: [1, 2] });
  await vi.waitFor(() => expect(tries).toBeGreaterThan(0));
  await runner.cancel(id);
  await runner.stop();
  const states = (await runner.store.items(id, { limit: 10 })).map(({ state }) => state);
  expect(states).toEqual(['cancelled', 'cancelled']);
  await meta.close();
});

test('a message that fails as if no engine were there, although one answers, fails after some tries', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const tried: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    tried.push(messageId);
    if (messageId === 1) throw new EngineError('BROKER_UNAVAILABLE', 'slow', { retryable: true });
    return {};
  });
  const { id } = await runner.start({ ...order, ids: [1, 2] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('finished'));
  expect(tried).toEqual([1, 1, 1, 2]);
  expect(await runner.store.find(id)).toMatchObject({ done: 1, failed: 1 });
  await runner.stop();
  await meta.close();
});

test('a job is stopped before the message that its orderer may not touch any longer, and says why', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = await metaDatabase({ data: folder.path });
  const seen: unknown[] = [];
  let rights: Awaited<ReturnType<JobRights>> = { visible: ['ward'] };
  const runner = runnerOf(
    meta,
    async (_, { messageId }, visible) => {
      seen.push([messageId, visible]);
      rights = { stop: 'ann lacks message.resend by now' };
      return {};
    },
    async () => rights,
  );
  const { id } = await runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(async () => expect((await runner.store.find(id))?.state).toBe('stopped'));
  expect(seen).toEqual([[1, ['ward']]]);
  expect(await runner.store.find(id)).toMatchObject({
    why: 'ann lacks message.resend by now',
    done: 1,
  });
  expect((await runner.store.items(id, { limit: 10 })).map(({ state }) => state)).toEqual([
    'done',
    'cancelled',
    'cancelled',
  ]);
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
