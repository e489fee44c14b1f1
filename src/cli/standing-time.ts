import { readFileSync } from 'node:fs';

/** What was measured at a look at a thread, in milliseconds. */
export interface Look {
  readonly at: number;
  /** For how long it has waited for a processor since it was started; undefined where the system does not say so. */
  readonly waited: number | undefined;
}

/**
 * For how long of the time between two looks a thread could have run, and so stood still by itself: what it waited for a
 * processor does not count. A machine that has much else to do gives it a tenth of the time, and a start, or a message
 * that is split into thousands, then takes ten times as long.
 *
 * @param most milliseconds; a sleeping machine or a paused process is not a reason
 */
export function standingTime(before: Look, now: Look, most: number): number {
  const waited = (now.waited ?? 0) - (before.waited ?? 0);
  return Math.min(most, Math.max(0, now.at - before.at - waited));
}

/** Looks at the main thread of this process. */
export const lookAtMain = (): Look => ({ at: performance.now(), waited: waitedOf(process.pid) });

/** Linux: nanoseconds on a processor, and waiting for one, and how often (`Documentation/scheduler/sched-stats.rst`). */
function waitedOf(thread: number): number | undefined {
  try {
    const [, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ');
    const nanoseconds = Number(waited);
    return Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : undefined;
  } catch {
    // not Linux, or a kernel that does not count it
    return undefined;
  }
}
