import { describeError, EngineError, isEngineError } from '../../error/engine-error.ts';

/**
 * Throws a failure of a database as STORE_UNAVAILABLE. SQLite quotes no values in its errors;
 * PostgreSQL names columns and constraints, and its values are in the detail, which is left out.
 */
export function unavailable(error: unknown): never {
  if (isEngineError(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
  throw new EngineError(
    'STORE_UNAVAILABLE',
    `the trace store could not be read or written: ${describeError(error).text}`,
    { retryable: true },
  );
}
