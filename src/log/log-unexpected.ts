import { described, hearUnexpected, type Unexpected } from '../error/unexpected.ts';
import type { Logger } from './logger.ts';

/** Fields of a log line; the text of a foreign error may quote a body, so it is included only at level debug. */
export function unexpectedFields(
  { what, name, code, stack, times, error }: Unexpected,
  level: string,
): object {
  const isWhole = level === 'debug' || level === 'trace';
  return {
    what,
    code,
    name,
    times,
    stack,
    ...(isWhole && error instanceof Error ? { message: error.message } : {}),
  };
}

/**
 * Writes unexpected errors in this thread to a log, for threads without an event log, until the
 * returned function is called.
 */
export function logUnexpected(log: Logger): () => void {
  return hearUnexpected((one) =>
    log.error(
      { event: 'unexpected-error', text: described(one), ...unexpectedFields(one, log.level) },
      'unexpected-error',
    ),
  );
}
