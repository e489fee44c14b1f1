import { expect, test } from 'vitest';
import { joinedRecords, liveRecord } from '../../../src/operator/live/live-record.ts';
import { openTraceStore } from '../../../src/trace/store/open-store.ts';
import type { TraceInput } from '../../../src/trace/trace-input.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sampleSession } from '../../support/trace-sample.ts';

const sample = sampleSession();

test.for<[string, readonly TraceInput[][]]>([
  ['one batch', [[sample.outcome, sample.queued]]],
  ['two batches', [[sample.outcome], [sample.queued]]],
])('a message that is read after its outcome, in %s, stays completed', async ([, batches]) => {
  await using folder = await temporaryFolder('live-record');
  await using store = await openTraceStore({ production: 'ward', folder: folder.path });
  const told = [];
  for (const inputs of batches) {
    told.push(liveRecord({ inputs, messages: await store.apply(inputs) }));
  }
  const joined = told.reduce(joinedRecords);
  expect(joined.messages).toMatchObject([
    { id: sample.derived, status: 'completed', source: 'router', target: 'ward' },
  ]);
});
