import { expect, test } from 'vitest';
import { criteria } from '../../src/trace/criteria.ts';
import { momentOf } from '../../src/trace/moment.ts';

const NOW = new Date(2026, 10, 24, 15, 30, 20, 500).getTime();
const at = (...parts: [number, number, number, number, number, number?]): number =>
  new Date(...parts).getTime();
const FIELDS = ['mrn', 'control-id'];

test('words become a query', () => {
  const words = [
    'mrn=M1*',
    'control-id=a=b',
    'status=error,suspended',
    'host=ward, lab',
    'source=in',
    'target=out',
    'type=ADT_A01',
    'error=refused',
    'contains=x',
    'slower-than=1.5s',
    'larger-than=1KB',
    'resend-of=7',
    'from=2h',
    'to=now',
  ];
  expect(criteria(words, FIELDS, NOW)).toEqual({
    search: { mrn: 'M1*', 'control-id': 'a=b' },
    status: ['error', 'suspended'],
    hosts: ['ward', 'lab'],
    source: 'in',
    target: 'out',
    type: 'ADT_A01',
    error: 'refused',
    contains: 'x',
    minDuration: 1_500,
    minSize: 1_024,
    resendOf: 7,
    from: NOW - 7_200_000,
    to: NOW,
  });
  expect(criteria([], FIELDS, NOW)).toEqual({});
});

test.for([
  ['statsu=error', 'statsu is neither a criterion nor a search field of the production; status?'],
  [
    'status=broken',
    'broken is not a status: queued, retrying, completed, discarded, error, suspended',
  ],
  ['from=soon', 'from=soon is not a time such as'],
  ['from=now to=2h', 'from is after to'],
  ['slower-than=5', '5 is not a duration'],
  ['larger-than=big', 'big is not a size'],
  ['resend-of=x', 'x is not a message id'],
  ['=x', '=x is not a criterion'],
  ['constructor=x', 'constructor is neither'],
])('%s is refused with what to write instead', ([word, text]) => {
  expect(() => criteria(word!.split(' '), FIELDS, NOW)).toThrow(
    expect.objectContaining({ code: 'QUERY_INVALID', message: expect.stringContaining(text!) }),
  );
});

test('a moment is read as people type it', () => {
  expect(momentOf('now', NOW, 'from')).toBe(NOW);
  expect(momentOf('30m', NOW, 'from')).toBe(NOW - 1_800_000);
  expect(momentOf('-2h', NOW, 'from')).toBe(NOW - 7_200_000);
  expect(momentOf('today', NOW, 'from')).toBe(at(2026, 10, 24, 0, 0));
  expect(momentOf('Yesterday', NOW, 'from')).toBe(at(2026, 10, 23, 0, 0));
  // the same day at both ends of a range is that day
  expect(momentOf('today', NOW, 'to')).toBe(at(2026, 10, 25, 0, 0) - 1);
  expect(momentOf('yesterday', NOW, 'to')).toBe(at(2026, 10, 24, 0, 0) - 1);
  expect(momentOf('2026-11-20', NOW, 'to')).toBe(at(2026, 10, 21, 0, 0) - 1);
  expect(momentOf('2026-03-29', NOW, 'to')).toBe(at(2026, 2, 30, 0, 0) - 1);
  expect(momentOf('14:05', NOW, 'to')).toBe(momentOf('14:05', NOW, 'from'));
  expect(momentOf('9:05', NOW, 'from')).toBe(at(2026, 10, 24, 9, 5));
  expect(momentOf('09:05:07', NOW, 'from')).toBe(at(2026, 10, 24, 9, 5, 7));
  expect(momentOf('2026-11-20', NOW, 'from')).toBe(at(2026, 10, 20, 0, 0));
  expect(momentOf('2026-11-20 14:05', NOW, 'from')).toBe(at(2026, 10, 20, 14, 5));
  expect(momentOf('2026-11-20T14:05:00Z', NOW, 'from')).toBe(Date.UTC(2026, 10, 20, 14, 5));
  expect(momentOf('forever', NOW, 'from')).toBe(0);
  for (const text of ['', 'x', '2026', '2026-13-40', '25', '12:3']) {
    expect(momentOf(text, NOW, 'from')).toBeUndefined();
  }
});
