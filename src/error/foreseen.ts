import { isEngineError } from './engine-error.ts';
import { unexpected } from './unexpected.ts';

/** Whether an error is expected. */
export type Foreseen = (error: unknown) => boolean;

/**
 * For `.catch(…)`: returns undefined for an expected error, and also for any other, after reporting
 * it, so that no unexpected error vanishes.
 *
 * @param what was being done, for the report
 */
export function unless(foreseen: Foreseen, what: string): (error: unknown) => undefined {
  return (error) => tolerate(error, foreseen, what);
}

/** The same for a `catch` block. */
export function tolerate(error: unknown, foreseen: Foreseen, what: string): undefined {
  if (!foreseen(error)) unexpected(what, error);
  return undefined;
}

/** The signal of the wait has aborted. */
export const isAbort: Foreseen = (error) => error instanceof Error && error.name === 'AbortError';

/**
 * The system's errors about files, sockets, names and processes (`ENOENT`, `ECONNRESET` …); with
 * codes, only those. Node's own `ERR_…` codes for wrong arguments are bugs.
 */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code } = error;
  if (typeof code !== 'string') return false;
  return codes.length === 0 ? /^E[A-Z0-9]+$/.test(code) : codes.includes(code);
}

/** Errors that the engine or an adapter threw on purpose, and the system's errors. */
export const isTold: Foreseen = (error) =>
  isEngineError(error) || isSystemError(error) || isAbort(error);

/**
 * For an error that also reaches its owner in another way: the promise is awaited elsewhere, or
 * nobody has to await it and it must not count as unhandled.
 */
export const toldElsewhere = (): undefined => undefined;
