import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** Milliseconds of work after which others get their turn. */
const TURN = 15;

/** Does work that stops now and then; other work of the thread gets its turn meanwhile. */
export async function inTurns<Result>(work: Iterator<unknown, Result>): Promise<Result> {
  let since = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < TURN) continue;
    await yieldToOthers();
    since = performance.now();
  }
}

/** Does the same work at a stretch. */
export function atOnce<Result>(work: Iterator<unknown, Result>): Result {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
