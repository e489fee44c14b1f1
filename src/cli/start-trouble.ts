import { isAway } from '../broker/away.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import { isSystemError } from '../error/foreseen.ts';

/** What keeps a production from starting, in words, where its error has none of its own. */
export function startTrouble(error: unknown, data: string): unknown {
  if (isEngineError(error)) return error;
  const { code } = describeError(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS')) {
    return new EngineError(
      'BROKER_UNAVAILABLE',
      `the data folder ${data} cannot be written (${code}): free or repair its disk, then start again. What was accepted is kept there`,
      { retryable: true, cause: error },
    );
  }
  if (!isAway(error)) return error;
  return new EngineError(
    'BROKER_UNAVAILABLE',
    `NATS stopped answering during the start (${code}): a cluster may be electing its leaders, or more than half of its servers are away. Nothing is lost; start again`,
    { retryable: true, cause: error },
  );
}
