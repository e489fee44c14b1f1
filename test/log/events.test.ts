import { expect, test } from 'vitest';
import { events } from '../../src/log/events.ts';
import { hostLogs, silentLogger } from '../../src/log/logger.ts';
import { metrics } from '../../src/log/metrics.ts';
import type { HostRecord } from '../../src/message/record.ts';

test('of a stream that is gone all is lost, also what only other engines know of; of one that is cut what is missing', () => {
  const records: HostRecord[] = [];
  const told = events({
    production: 'lab',
    log: silentLogger,
    hosts: hostLogs(silentLogger),
    metrics: metrics(),
    record: (record) => records.push(record),
  });
  const range = { stream: 'WB_lab_Q_out', from: 3, to: 9 };
  told.messagesLost('out', range);
  told.messagesLost('out', { ...range, isGone: true });
  expect(records.map(({ lost }) => lost)).toEqual([
    range,
    { ...range, to: Number.MAX_SAFE_INTEGER },
  ]);
  expect(records.map(({ text }) => text.split(':')[0])).toEqual([
    '7 messages for out (3 to 9) are gone',
    '7 messages for out (3 to 9) are gone',
  ]);
});
