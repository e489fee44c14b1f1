/** Control numbers have nine digits. */
const MOST = 999_999_999;

let last = 0;

/**
 * A control number for an immediate answer, when no durable counter is available: the seconds since 1970,
 * incremented within a second. It repeats after 31 years; several engines may return the same one in the same second.
 */
export function clockControlNumber(now = Date.now()): number {
  last = Math.max((Math.floor(now / 1_000) % MOST) + 1, last + 1);
  if (last > MOST) last = 1;
  return last;
}
