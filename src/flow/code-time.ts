import { EngineError } from '../error/engine-error.ts';
import { milliseconds } from '../time/duration.ts';
import type { CodeTime } from './process-code.ts';

const LONGEST = 3_660 * 86_400_000;

/** A time that code gives, as milliseconds. Throws PROCESS_FAILED for what is none; `what` says whose it is. */
export function codeTime(what: string, given: CodeTime): number {
  const time = typeof given === 'string' ? milliseconds(given) : given;
  if (typeof time === 'number' && time <= LONGEST) return time;
  throw new EngineError(
    'PROCESS_FAILED',
    `${what} must be milliseconds such as 20000, or a duration such as '20s', '5m', '2h' or '7d', up to ten years`,
  );
}
