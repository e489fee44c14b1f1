import { expect, test } from 'vitest';
import { connectBroker } from '../../../src/broker/broker.ts';
import { engines } from '../../../src/operator/engines.ts';
import type { Job, JobItem } from '../../../src/operator/job/job-store.ts';
import { jobWork } from '../../../src/operator/job/job-work.ts';
import { sqliteTraceStore } from '../../../src/trace/store/sqlite/trace-store.ts';
import type { TraceReader } from '../../../src/trace/trace-store.ts';
import { startNats } from '../../support/nats.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('while no engine answers, no act of a job has failed, and what it acted on is given again', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('work');
  await using broker = await connectBroker({ ...nats, production: 'nobody', role: 'operator' });
  const store = sqliteTraceStore({ folder: folder.path });
  const message = { id: 7, sessionId: 7, target: 'out', status: 'queued' };
  const trace = Object.create(store, { message: { value: async () => message } }) as TraceReader;
  const work = jobWork({ broker, trace, engines: engines(broker) });
  const item = { n: 1, messageId: 7 } as JobItem;
  for (const [type, begun] of [
    ['abort', false],
    ['set-aside', false],
    ['discard', true],
  ] as const) {
    const job = { id: 1, created: 1, type, by: 'ann' } as Job;
    const order = await work.prepare(job, item, ['out']);
    const [result] = await work.carryOut(job, [order]);
    expect(result).toMatchObject({ again: expect.stringContaining('production running'), begun });
    expect(result).not.toMatchObject({ own: expect.anything() });
  }
  await store.close();
});
