import { timeOfId } from '../../message/id.ts';

const DAY = 86_400_000;

let last = { number: Number.NaN, day: '' };

/** The UTC day of a time, as `2026-11-24`: the unit of retention. */
export function dayOf(time: number): string {
  const number = Math.floor(time / DAY);
  // called for every input of a batch, nearly always with the same day
  if (number !== last.number) {
    last = { number, day: new Date(number * DAY).toISOString().slice(0, 10) };
  }
  return last.day;
}

/** The UTC day a session began. */
export function dayOfSession(sessionId: number): string {
  return dayOf(timeOfId(sessionId));
}

/** The first millisecond of a day. */
export function startOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** The first millisecond after a day. */
export function endOfDay(day: string): number {
  return startOfDay(day) + DAY;
}
