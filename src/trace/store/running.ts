import type { HostHour } from '../trace-query.ts';
import type { Words } from './message-columns.ts';

/**
 * Milliseconds (13 weeks) that roll-ups by the hour outlive their messages, and that is known when
 * hosts ran: enough for the same hour of the last four weeks, and bounded however many hosts there
 * have been.
 */
export const ROLL_UPS_KEPT = 13 * 7 * 86_400_000;

const HOUR = 3_600_000;
/** Parts of an hour: one bit each, so that seeing a host twice, or by two planes, is the same as once. */
const HOUR_PARTS = 6;

/** The hour since 1970, and the bit of the ten minutes within it. */
export function hourAndPart(at: number): { readonly hour: number; readonly bit: number } {
  const hour = Math.floor(at / HOUR);
  return { hour, bit: 1 << Math.floor(((at - hour * HOUR) / HOUR) * HOUR_PARTS) };
}

/** The hours whose start lies in the range. */
export const hoursWithin = (from: number, to: number): readonly [number, number] => [
  Math.ceil(from / HOUR),
  Math.floor(to / HOUR),
];

export interface RunningRow {
  readonly hour: number;
  readonly host: number;
  readonly parts: number;
}

export function hostHour({ hour, host, parts }: RunningRow, words: Pick<Words, 'text'>): HostHour {
  let ran = 0;
  for (let part = 0; part < HOUR_PARTS; part++) if ((parts & (1 << part)) !== 0) ran++;
  return { host: words.text(host), at: hour * HOUR, ran: ran / HOUR_PARTS };
}
