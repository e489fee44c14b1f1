import { readFile } from 'node:fs/promises';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';

/** How many looks in a row find no answer until a server counts as hung: half a minute. */
const LOOKS = 6;
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

/**
 * Looks again and again whether a server answers; resolves to true once it has not done so for too long, and to false
 * with the signal. A process that is stopped, or waits for ever in itself, does not end, and nothing else would notice.
 */
export async function hangs(
  answers: () => Promise<boolean>,
  {
    patience,
    every,
    signal,
  }: { readonly patience: Patience; readonly every: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let missed = 0;
  while (!signal.aborted) {
    await pause(every, signal, { ref: false });
    if (signal.aborted) break;
    missed = (await answers()) ? 0 : missed + 1;
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
