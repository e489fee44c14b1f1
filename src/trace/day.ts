import { timeOfId } from '../message/id.ts';

const DAY = 86_400_000;

/** The UTC day of a time, as `2026-11-24`: the unit of retention. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
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
