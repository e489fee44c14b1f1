import { readFile } from 'node:fs/promises';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';

/** How many looks in a row find no answer until a server that does nothing counts as hung: half a minute. */
const LOOKS = 6;
/** So many times as many if it used processor time meanwhile: it has much to do, or the machine has. */
const AT_WORK = 10;
/** After each one that was ended they are twice as many, up to this many times. */
const MOST_TIMES = 16;
/** Milliseconds after which one that hung counts no more. */
const FORGOTTEN = 3_600_000;

/** How patient one is with a server that hangs again and again: ending it may not help, and costs what it has just begun. */
export class Patience {
  #times = 1;
  #last = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get looks(): number {
    if (this.#now() - this.#last > FORGOTTEN) this.#times = 1;
    return LOOKS * this.#times;
  }

  /** One was ended. */
  lost(): void {
    this.#times = Math.min(this.looks / LOOKS, MOST_TIMES / 2) * 2;
    this.#last = this.#now();
  }
}

/** How a server is looked at. */
export interface Watched {
  /** Whether it answers; undefined if this process cannot ask it. */
  readonly answers: () => Promise<boolean | undefined>;
  /** What it has done so far, as `doneBy` says. */
  readonly done: () => Promise<string | undefined>;
}

/**
 * Looks again and again whether a server answers; resolves to true once it has not done so for too long, and to false
 * with the signal. A process that is stopped, or waits for ever in itself, does not end, and nothing else would notice.
 */
export async function hangs(
  { answers, done }: Watched,
  {
    patience,
    every,
    signal,
  }: { readonly patience: Patience; readonly every: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let missed = 0;
  let before: string | undefined;
  while (!signal.aborted) {
    await pause(every, signal, { ref: false });
    if (signal.aborted) break;
    const answer = await answers();
    if (answer === undefined) continue;
    const now = answer ? undefined : await done();
    const isAtWork = before !== undefined && now !== before;
    missed = answer ? 0 : missed + (isAtWork ? 1 / AT_WORK : 1);
    before = now;
    if (missed >= patience.looks) return !signal.aborted;
  }
  return false;
}

/** What a process has done so far, to be compared; undefined where the system does not say so. */
export async function doneBy(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // the name may contain spaces; fields 14 and 15 are the ticks in itself and in the system
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(14 - 3, 16 - 3).join(' ');
  } catch (error) {
    return tolerate(error, isSystemError, 'looking at nats-server');
  }
}
