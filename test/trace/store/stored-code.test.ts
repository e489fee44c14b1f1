import { expect, test } from 'vitest';
import { STATUSES } from '../../../src/message/status.ts';
import { BODY_ENCODING } from '../../../src/trace/store/body-codec.ts';
import {
  FLAG,
  IN_QUEUE,
  LEVEL_CODE,
  levelOfCode,
  NOT_COMPLETED,
  OPEN,
  QUEUED,
  STATUS_CODE,
  statusOfCode,
} from '../../../src/trace/store/stored-code.ts';

test('the numbers that stand in databases are the same for ever', () => {
  // written out: a change here makes every trace that was ever written say something else
  expect(STATUS_CODE).toEqual({
    queued: 0,
    retrying: 1,
    completed: 2,
    discarded: 3,
    error: 4,
    suspended: 5,
  });
  expect(LEVEL_CODE).toEqual({ info: 0, warn: 1, error: 2 });
  expect(FLAG).toEqual({ possibleDuplicate: 1, presumed: 2, hasEnvelope: 4, retryable: 8 });
  expect(BODY_ENCODING).toEqual({
    raw: 0,
    deflate: 1,
    deflateDelta: 2,
    zstd: 3,
    zstdDelta: 4,
    reference: 5,
    slice: 6,
  });
  // the terms of the partial indexes
  expect([NOT_COMPLETED, IN_QUEUE]).toEqual(['status <> 2', 'status < 2']);
  expect([QUEUED, OPEN]).toEqual(['status IN (0, 1)', 'status IN (0, 1, 5)']);
});

test('every status has a number and comes back from it; another number is damage, not a status', () => {
  expect(STATUSES.map((status) => statusOfCode(STATUS_CODE[status]))).toEqual(STATUSES);
  expect(levelOfCode(1)).toBe('warn');
  expect(() => statusOfCode(6)).toThrow('the status 6, which no version of Waybill writes');
});
