import type { Foreseen } from './foreseen.ts';
import { unexpected } from './unexpected.ts';

/**
 * Lets a promise run on its own. Nobody awaits it, but it has an owner: if it rejects, that becomes
 * an event with `what` was being done and the stack.
 *
 * @param foreseen errors that are expected and ignored
 */
export function background(
  promise: PromiseLike<unknown>,
  what: string,
  foreseen: Foreseen = () => false,
): void {
  promise.then(undefined, (error: unknown) => {
    if (!foreseen(error)) unexpected(what, error);
  });
}
