import { isEngineError } from './engine-error.ts';
import { unexpected } from './unexpected.ts';

/** Says whether an error is expected. */
export type Foreseen = (error: unknown) => boolean;

/**
 * For `.catch(…)`: returns undefined for an expected error, and for any other too, after reporting it. So no
 * unexpected error vanishes.
 *
 * @param what was being done, for whoever reads the report
 */
export function unless(foreseen: Foreseen, what: string): (error: unknown) => undefined {
  return (error) => tolerate(error, foreseen, what);
}

/** The same for the block of a `catch`. */
export function tolerate(error: unknown, foreseen: Foreseen, what: string): undefined {
  if (!foreseen(error)) unexpected(what, error);
  return undefined;
}

/** The signal of the wait has aborted. */
export const isAbort: Foreseen = (error) => error instanceof Error && error.name === 'AbortError';

/**
 * The system's errors about files, sockets, names and processes (`ENOENT`, `ECONNRESET` …); with codes, only
 * those. Node's own `ERR_…` codes for wrong arguments are faults of the program.
 */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code } = error;
  if (typeof code !== 'string') return false;
  return codes.length === 0 ? /^E[A-Z0-9]+$/.test(code) : codes.includes(code);
}

/** What the engine or an adapter threw on purpose, and the system's errors. */
export const isTold: Foreseen = (error) =>
  isEngineError(error) || isSystemError(error) || isAbort(error);

/**
 * For an error that reaches its owner in another way as well: it is awaited elsewhere, or it is a promise
 * that nobody has to wait for and that must not count as unhandled.
 */
export const toldElsewhere = (): undefined => undefined;
