import { expect, test } from 'vitest';
import { causeOf, causeOfFailure } from '../../src/trace/cause.ts';
import { processorTime } from '../support/processor-time.ts';

test.for([
  ['message 245758238527488 at ward was refused', 'message 245758238527499 at ward was refused'],
  ['Unknown patient Doe^John^^Dr', 'Unknown patient Müller^Anna'],
  ['unknown code "A12" in PID-3.1', 'unknown code "B7 x" in PID-3.1'],
  ['no bed for 4711: W1-101-1', 'no bed for 81200: W22-7-2'],
  ['10.1.2.3:51234 closed the connection', '10.9.8.7:40000 closed the connection'],
  ['[fe80::1]:51234 closed', '[fe80::2]:4 closed'],
  ['rejected for anna.b@ward.example (550)', 'rejected for carl@ward.example (550)'],
  [
    'no answer to 8c1f2a3e-11aa-4bcd-9f00-0a1b2c3d4e5f',
    'no answer to 00000000-aaaa-4bcd-9f00-ffffffffffff',
  ],
  ['line 117, column 8: not closed', 'line 403, column 112: not closed'],
  [
    'did not acknowledge within 5000 ms; 117 bytes came',
    'did not acknowledge within 7000 ms; 350 bytes came',
  ],
  ['2026-11-25T08:00:00Z is before 2026-11-24', '2025-01-02T18:30:00.123Z is before 2024-02-29'],
  ['PUT /fhir/Patient/4711 answered 422', 'PUT /fhir/Patient/99 answered 422'],
  ["Field 'Meier' is not known", "Field 'Schulz' is not known"],
] as const)('%s: the same cause as %s', ([one, other]) => {
  expect(causeOf(one)).toBe(causeOf(other));
});

test.for([
  ['POST fhir.example.org answered 422', 'POST fhir.example.org answered 503'],
  ['550 mailbox unavailable', '552 mailbox full'],
  ['PID-3 is required', 'PID-5 is required'],
  ['segment OBX is missing', 'segment OBR is missing'],
  ['ORA-00942: table or view does not exist', 'ORA-01017: invalid user or password'],
  ['AE: no such patient', 'AR: no such patient'],
  ['the queue is full', 'the disk is full'],
] as const)('%s: another cause than %s', ([one, other]) => {
  expect(causeOf(one)).not.toBe(causeOf(other));
});

const TEXT = 'the peer answered AE (rule AE)';

test('the words of a receiver tell causes of one code apart, and patients of one cause do not', () => {
  const cause = (said: string): string => causeOfFailure({ text: TEXT, said });
  expect(cause('ward UNKNOWN is not in the table')).toBe(
    `${TEXT}: ward UNKNOWN is not in the table`,
  );
  expect(cause('database is read-only')).not.toBe(cause('ward UNKNOWN is not in the table'));
  expect(cause('Unknown patient Doe, John (4711)')).toBe(cause('Unknown patient Roe (81200)'));
  expect(cause('no bed for case 4711 in W12')).toBe(cause('no bed for case 81200 in W7'));
  expect(causeOfFailure({ text: TEXT })).toBe(TEXT);
  // as long as a search may ask for
  const long = { text: 'a b '.repeat(500), said: 'c d '.repeat(500) };
  expect(causeOfFailure(long).length).toBeLessThanOrEqual(500);
});

test('nothing that names a patient is left in a cause, and a long text does not take long', () => {
  const text = 'PID-3 4711^^^HOSP^MR of "John Doe", 1970-01-01, john@doe.example, tel. 030/1234567';
  expect(causeOf(text)).toBe('PID-3 … of “…”, …, tel. …');
  const began = processorTime();
  for (const one of ['"', "'", '^', '1.', 'a1 ', '…', 'a@b.', '[::']) causeOf(one.repeat(200_000));
  expect(processorTime() - began).toBeLessThan(500);
});
