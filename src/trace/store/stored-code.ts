import { EngineError } from '../../error/engine-error.ts';
import type { Status } from '../../message/status.ts';

/**
 * The numbers by which the stores keep named values. They are in every database ever written: none
 * is ever changed or reused; new ones are added.
 */
export const STATUS_CODE = {
  queued: 0,
  retrying: 1,
  completed: 2,
  discarded: 3,
  error: 4,
  suspended: 5,
} as const satisfies Readonly<Record<Status, number>>;

export const LEVEL_CODE = { info: 0, warn: 1, error: 2 } as const;

/** The bits of a message's `flags`. */
export const FLAG = {
  possibleDuplicate: 1,
  presumed: 2,
  hasEnvelope: 4,
  retryable: 8,
} as const;

const { queued, retrying, completed, suspended } = STATUS_CODE;

/** The term of the partial index over everything that is rare, which the planner must find literally. */
export const NOT_COMPLETED = `status <> ${completed}`;
/** The term of the partial index over what is still in a queue. */
export const IN_QUEUE = `status < ${completed}`;
export const QUEUED = `status IN (${queued}, ${retrying})`;
/** Statuses that still need something to happen. */
export const OPEN = `status IN (${queued}, ${retrying}, ${suspended})`;

export const statusOfCode = namesOf('status', STATUS_CODE);
export const levelOfCode = namesOf('level', LEVEL_CODE);

/** Finds the name of a number. A store of a newer version is not opened at all, so an unknown number means damage. */
function namesOf<Name extends string>(
  what: string,
  codes: Readonly<Record<Name, number>>,
): (code: number) => Name {
  const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as Name]));
  return (code) => {
    const name = names.get(code);
    if (name !== undefined) return name;
    throw new EngineError(
      'STORE_UNAVAILABLE',
      `the trace contains the ${what} ${code}, which no version of Waybill writes: it is damaged there`,
    );
  };
}
