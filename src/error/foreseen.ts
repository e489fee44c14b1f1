import { isEngineError } from './engine-error.ts';
import { unexpected } from './unexpected.ts';

/** Says of an error whether it may come in the usual course of things. */
export type Foreseen = (error: unknown) => boolean;

/**
 * For `.catch(…)`: gives undefined for an error that was foreseen, and for any other too, after having
 * told of it. So nothing vanishes that nobody thought of.
 *
 * @param what was being done, for who reads of it
 */
export function unless(foreseen: Foreseen, what: string): (error: unknown) => undefined {
  return (error) => tolerate(error, foreseen, what);
}

/** The same for the block of a `catch`. */
export function tolerate(error: unknown, foreseen: Foreseen, what: string): undefined {
  if (!foreseen(error)) unexpected(what, error);
  return undefined;
}

/** The signal of what was waited for has aborted. */
export const isAbort: Foreseen = (error) => error instanceof Error && error.name === 'AbortError';

/**
 * What the system says of files, sockets, names and processes (`ENOENT`, `ECONNRESET` …); with codes, only
 * those. Node's own `ERR_…` codes of wrong arguments are faults of the program.
 */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code } = error;
  if (typeof code !== 'string') return false;
  return codes.length === 0 ? /^E[A-Z0-9]+$/.test(code) : codes.includes(code);
}

/** What the engine or an adapter threw on purpose, and what the system says. */
export const isTold: Foreseen = (error) =>
  isEngineError(error) || isSystemError(error) || isAbort(error);

/**
 * Where an error reaches its owner by another way as well: it is awaited elsewhere, or a promise that nobody
 * has to wait for must not count as unhandled.
 */
export const toldElsewhere = (): undefined => undefined;
