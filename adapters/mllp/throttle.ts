import { setTimeout as sleep } from 'node:timers/promises';

/** Gives each caller its turn, evenly spaced: at most `perSecond` in a second. Undefined does not wait. */
export function throttle(perSecond: number | undefined): (signal: AbortSignal) => Promise<void> {
  if (perSecond === undefined) return () => Promise.resolve();
  const space = 1_000 / perSecond;
  let next = 0;
  return async (signal) => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + space;
    if (turn > now) await sleep(turn - now, undefined, { signal });
  };
}
