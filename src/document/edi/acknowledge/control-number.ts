/** Control numbers have nine digits. */
const MOST = 999_999_999;

let last = 0;

/**
 * A control number for an answer that is made at once, where nothing durable can be asked: the seconds since 1970,
 * counted on within one. It comes again after 31 years; several engines may give the same one in the same second.
 */
export function clockControlNumber(now = Date.now()): number {
  last = Math.max((Math.floor(now / 1_000) % MOST) + 1, last + 1);
  if (last > MOST) last = 1;
  return last;
}
