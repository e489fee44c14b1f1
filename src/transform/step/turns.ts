import type { Document } from '../../document/document.ts';
import type { Scope } from '../../expression/expression.ts';
import { doSteps, type LoopTurn, type Work } from '../work.ts';
import type { LoopBody } from './loop-body.ts';

/** The state of one loop while it runs. */
export class Turns {
  readonly #work: Work;
  readonly #body: LoopBody;
  readonly #over: string;
  #turn = 0;

  constructor(work: Work, over: string, body: LoopBody) {
    this.#work = work;
    this.#body = body;
    this.#over = over;
    if (work.turns.length === 0) work.run.totals.set(body, 0);
  }

  /** Whether to continue: no step has discarded the message. */
  get goesOn(): boolean {
    return !this.#work.run.discarded;
  }

  /**
   * One turn, unless the condition skips it.
   *
   * @param document the current part as expressions see it
   * @param target what the paths of steps write to; called only if the turn is made
   */
  make(document: Document, target: () => Document, loop = this.#work.loop): void {
    const { run, scope, turns } = this.#work;
    const { when, steps } = this.#body;
    const total = (run.totals.get(this.#body) ?? 0) + 1;
    const next: LoopTurn = { over: this.#over, turn: this.#turn + 1, total };
    const around = [...turns, next];
    const inner: Scope = { ...scope, document: () => document, loops: around };
    if (when !== undefined && !when.evaluate(inner)) return;
    this.#turn++;
    run.totals.set(this.#body, total);
    doSteps(steps, { run, scope: inner, target: target(), loop, turns: around });
  }
}
