import { setImmediate as othersFirst } from 'node:timers/promises';

/** Milliseconds of work after which others get their turn. */
const TURN = 15;

/** For work in many steps: between two of them others get their turn once it has taken long. */
export class WorkTurn {
  #since = performance.now();

  /** Whether it has taken long enough; a step of its own costs a promise. */
  isOver(): boolean {
    return performance.now() - this.#since >= TURN;
  }

  async next(): Promise<void> {
    await othersFirst();
    this.#since = performance.now();
  }
}
