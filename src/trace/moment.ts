import { milliseconds } from '../time/duration.ts';

const DAY = 86_400_000;

/**
 * A moment as people type it: `2026-11-24T14:05:00Z`, `2026-11-24 14:05`, `2026-11-24`, `14:05` (today),
 * `2h` or `30m` (ago), `now`, `today`, `yesterday`. Without a zone it is the machine's own. Undefined if it is none.
 */
export function momentOf(text: string, now: number): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'now') return now;
  if (word === 'today') return midnight(now);
  if (word === 'yesterday') return midnight(midnight(now) - DAY / 2);
  const ago = milliseconds(word.replace(/^-/, ''));
  if (ago !== undefined) return now - Math.min(ago, now);
  const [, hour, minute, second = '0'] = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(word) ?? [];
  if (hour !== undefined && minute !== undefined) {
    return new Date(now).setHours(Number(hour), Number(minute), Number(second), 0);
  }
  return dated(text.trim());
}

/** A day alone is midnight here, not in Greenwich, as `Date.parse` would have it. */
function dated(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const time = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
  return Number.isNaN(time) ? undefined : time;
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
