import { writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { beatsOf, workIn } from '../flow/work-marks.ts';
import { lookAtMain, standingTime } from './standing-time.ts';
import { addStuck } from './stuck-file.ts';

/** What the main thread hands its watchdog. */
export interface WatchdogOrder {
  /** The memory of `WorkMarks`. */
  readonly buffer: SharedArrayBuffer;
  readonly data: string;
  /** Milliseconds after which an engine that is stuck is ended. */
  readonly after: number;
  /** The file that tells the parent process to restart this one. */
  readonly again: string | undefined;
}

const order = workerData as WatchdogOrder | null;
if (order !== null) await watch(order);

/**
 * Writes one line of the log itself: this thread's standard error goes through the thread that is stuck, and a logger
 * would take most of this thread's memory.
 */
function writeNow(told: { readonly event: string; readonly [field: string]: unknown }): void {
  const time = new Date().toISOString();
  try {
    writeSync(2, `${JSON.stringify({ level: 'fatal', time, ...told, msg: told.event })}\n`);
  } catch {
    // nobody reads it, or its disk is full: the next start reports it
  }
}

/**
 * Checks that the engine's thread is running, and ends the process if it is not: nothing else can
 * interrupt an endless loop. It counts its own checks, so a sleeping machine or a paused process is
 * not a reason, and nothing of what the thread waited for a processor.
 */
async function watch({ buffer, data, after, again }: WatchdogOrder): Promise<void> {
  const every = Math.max(100, Math.min(1_000, after / 8));
  let beats = beatsOf(buffer);
  let still = 0;
  let look = lookAtMain();
  for (;;) {
    await sleep(every);
    const before = look;
    look = lookAtMain();
    const now = beatsOf(buffer);
    still = now === beats ? still + standingTime(before, look, every) : 0;
    beats = now;
    if (still < after) continue;
    const stuck = workIn(buffer);
    const work = stuck.map(({ host, message }) => ({ host, messageId: message }));
    writeNow({ event: 'engine-stuck', work, after });
    try {
      addStuck(data, { at: Date.now(), after, work: stuck });
      if (again !== undefined) writeFileSync(again, '', { mode: 0o600 });
    } finally {
      // a looping thread does not notice a softer signal
      process.kill(process.pid, 'SIGKILL');
    }
  }
}
