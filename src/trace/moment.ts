import { milliseconds } from '../time/duration.ts';

const DAY = 86_400_000;

/**
 * A moment as people type it: `2026-11-24T14:05:00Z`, `2026-11-24 14:05`, `2026-11-24`, `14:05`
 * (today), `2h` or `30m` (ago), `now`, `today`, `yesterday`. Without a zone it is the machine's
 * own. Undefined if it is invalid.
 *
 * @param end which end of a time range it is: a day alone begins a range at its midnight and ends
 * one with its last moment, so that from and to with the same day mean that day
 */
export function momentOf(text: string, now: number, end: 'from' | 'to'): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'now') return now;
  const day = dayOf(word, now);
  if (day !== undefined) return end === 'from' ? day : midnight(day + 1.5 * DAY) - 1;
  const ago = milliseconds(word.replace(/^-/, ''));
  if (ago !== undefined) return now - Math.min(ago, now);
  const [, hour, minute, second = '0'] = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(word) ?? [];
  if (hour !== undefined && minute !== undefined) {
    return new Date(now).setHours(Number(hour), Number(minute), Number(second), 0);
  }
  return dated(text.trim());
}

/** The midnight of a day given without a time: local, not UTC as in `Date.parse`. */
function dayOf(word: string, now: number): number | undefined {
  if (word === 'today') return midnight(now);
  if (word === 'yesterday') return midnight(midnight(now) - DAY / 2);
  return /^\d{4}-\d\d-\d\d$/.test(word) ? parsed(`${word}T00:00:00`) : undefined;
}

function dated(text: string): number | undefined {
  return /^\d{4}-\d\d-\d\d/.test(text) ? parsed(text) : undefined;
}

function parsed(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
