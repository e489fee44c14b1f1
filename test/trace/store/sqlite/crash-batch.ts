import type { TraceInput } from '../../../../src/trace/trace-input.ts';
import { NOON, type SampleSession, sampleSession } from '../../../support/trace-sample.ts';

/** The sessions that batch `number` begins. */
export function crashSessions(number: number): SampleSession[] {
  return Array.from({ length: 20 }, (_, at) =>
    sampleSession({ at: NOON + number * 100 + at, number: at, mrn: `B${number}` }),
  );
}

/** Begins twenty sessions and ends those of the batch before. */
export function crashBatch(number: number): TraceInput[] {
  const before = number === 0 ? [] : crashSessions(number - 1).map(({ outcome }) => outcome);
  return [...crashSessions(number).flatMap(({ arrival, queued }) => [arrival, queued]), ...before];
}
