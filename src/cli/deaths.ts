import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import type { Stuck } from '../flow/work-marks.ts';
import type { LastWork } from './work-record.ts';

/** How often engines of this data folder died while they worked on a message. */
export interface Deaths extends Stuck {
  /** While its code ran, and no other. */
  readonly running: number;
  /** While it waited for something, or others ran as well: they may have been the cause. */
  readonly waiting: number;
  /** When the first was noticed. */
  readonly first: number;
}

/**
 * How many deaths it takes until a message is set aside; the first of a row leaves no record of what was worked on.
 * A message that was not alone is rarely the cause, and the next engine tries it alone.
 */
const [RUNNING, WAITING] = [2, 10];
/** Milliseconds within which they count together. */
const WITHIN = 3_600_000;
/** More than an engine has in hand at once. */
const KEPT = 300;

const place = (data: string): string => join(data, 'deaths.json');

const isSame = (one: Stuck, other: Stuck): boolean =>
  one.host === other.host &&
  (one.message === other.message ||
    (one.size >= 0 && one.size === other.size && one.digest === other.digest));

/** Adds what the last engine worked on when it died, and returns all. */
export function countDeaths(data: string, last: readonly LastWork[], now: number): Deaths[] {
  const wasAlone = last.filter(({ ran }) => ran).length === 1;
  const known = read(data).filter(({ first }) => first > now - WITHIN && first <= now);
  const counted = last.map(({ ran, ...work }): Deaths => {
    const {
      running = 0,
      waiting = 0,
      first = now,
    } = known.find((one) => isSame(one, work)) ?? ({} as Partial<Deaths>);
    const isCause = ran && wasAlone;
    return {
      ...work,
      first,
      running: running + Number(isCause),
      waiting: waiting + Number(!isCause),
    };
  });
  const others = known.filter((one) => !counted.some((other) => isSame(one, other)));
  const all = [...others, ...counted]
    .toSorted((a, b) => a.running - b.running || a.waiting - b.waiting)
    .slice(-KEPT);
  if (last.length > 0) write(data, all);
  return all;
}

/** How often they died of it, if that is too often; otherwise undefined. */
export const tooManyDeaths = ({ running, waiting }: Deaths): number | undefined =>
  running >= RUNNING || running + waiting >= WAITING ? running + waiting : undefined;

/** It came to an end, and the engine lives: whatever killed the earlier ones, it was not this message. */
export function forgetDeathsOf(data: string, survived: Stuck): void {
  const known = read(data);
  const left = known.filter((one) => !isSame(one, survived));
  if (left.length < known.length) write(data, left);
}

/** A person has stopped or changed the production: what they died of may be tried again. */
export function forgetDeaths(data: string): void {
  rmSync(place(data), { force: true });
}

function read(data: string): Deaths[] {
  try {
    const found: unknown = JSON.parse(readFileSync(place(data), 'utf8'));
    return Array.isArray(found) ? (found as Deaths[]) : [];
  } catch {
    // none was written, or the disk was full: counting begins anew
    return [];
  }
}

function write(data: string, deaths: readonly Deaths[]): void {
  try {
    writeFileSync(place(data), JSON.stringify(deaths), { mode: 0o600 });
  } catch (error) {
    tolerate(error, isSystemError, 'counting the deaths of engines');
  }
}
