import { isAway } from '../broker/away.ts';
import { isTold, tolerate } from '../error/foreseen.ts';

/** Ends it if the production cannot be started, whatever else fails then. */
export function undoing(begun: AsyncDisposableStack, what: string, end: () => unknown): void {
  begun.defer(async () => {
    try {
      await end();
    } catch (error) {
      tolerate(error, (one) => isTold(one) || isAway(one), what);
    }
  });
}
