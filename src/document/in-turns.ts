import { WorkTurn } from '../time/work-turn.ts';

/** Does work that stops now and then; other work of the thread gets its turn meanwhile. */
export async function inTurns<Result>(work: Iterator<unknown, Result>): Promise<Result> {
  const turn = new WorkTurn();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (turn.isOver()) await turn.next();
  }
}

/** Does the same work at a stretch. */
export function atOnce<Result>(work: Iterator<unknown, Result>): Result {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
