import { expect, test, vi } from 'vitest';
import { EngineError } from '../../../src/error/engine-error.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import { type JobWork, jobRunner } from '../../../src/operator/job/job-runner.ts';
import { jobStore } from '../../../src/operator/job/job-store.ts';
import { type MetaDatabase, metaDatabase } from '../../../src/operator/meta/meta-database.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const order = { type: 'resend', by: 'ann', reason: 'lost', target: undefined } as const;

const runnerOf = (meta: MetaDatabase, work: JobWork) =>
  jobRunner({
    store: jobStore(meta),
    lists: frozenLists(meta),
    work,
    live: { tell: () => undefined },
    log: silentLogger,
  });

test('after a restart a job goes on; what was being done is uncertain and not done again', async () => {
  await using folder = await temporaryFolder('jobs');
  const before = metaDatabase({ data: folder.path });
  const store = jobStore(before);
  const { id } = store.add({ ...order, ids: [11, 12, 13] });
  store.settle(id, 1, { state: 'done', resultId: 91 });
  store.settle(id, 2, { state: 'doing' });
  before.close();

  const meta = metaDatabase({ data: folder.path });
  const done: number[] = [];
  const runner = runnerOf(meta, async (_, { messageId }) => {
    done.push(messageId);
    return { resultId: messageId + 80 };
  });
  await vi.waitFor(() => expect(runner.store.find(id)?.state).toBe('finished'));
  expect(done).toEqual([13]);
  expect(runner.store.items(id, { limit: 10 }).map(({ state }) => state)).toEqual([
    'done',
    'uncertain',
    'done',
  ]);
  expect(runner.store.find(id)).toMatchObject({ total: 3, done: 2, failed: 1 });
  await runner.stop();
  meta.close();
});

test('a job that is cancelled finishes the message it is at and begins no other', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = metaDatabase({ data: folder.path });
  const first = Promise.withResolvers<void>();
  const runner = runnerOf(meta, async () => {
    await first.promise;
    return {};
  });
  const { id } = runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(() => expect(runner.store.items(id, { limit: 1 })[0]?.state).toBe('doing'));
  runner.cancel(id);
  first.resolve();
  await runner.stop();
  expect(runner.store.items(id, { limit: 10 }).map(({ state }) => state)).toEqual([
    'done',
    'cancelled',
    'cancelled',
  ]);
  expect(runner.store.find(id)?.state).toBe('cancelled');
  meta.close();
});

test('a message that fails does not end the job, and says why', async () => {
  await using folder = await temporaryFolder('jobs');
  const meta = metaDatabase({ data: folder.path });
  const runner = runnerOf(meta, async (_, { messageId }) => {
    if (messageId === 2) throw new EngineError('NOT_FOUND', 'its body is gone');
    return {};
  });
  const { id } = runner.start({ ...order, ids: [1, 2, 3] });
  await vi.waitFor(() => expect(runner.store.find(id)?.state).toBe('finished'));
  expect(runner.store.items(id, { state: 'failed', limit: 10 })).toMatchObject([
    { messageId: 2, code: 'NOT_FOUND', text: 'its body is gone' },
  ]);
  expect(runner.store.find(id)).toMatchObject({ done: 2, failed: 1 });
  await runner.stop();
  meta.close();
});
