import { writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { beatsOf, workIn } from '../flow/work-marks.ts';
import { rootLogger } from '../log/logger.ts';
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
  readonly logLevel: string;
}

const order = workerData as WatchdogOrder | null;
if (order !== null) await watch(order);

/** This thread's own standard error is written by the one that is stuck. */
function writeNow(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // nobody reads it, or its disk is full: the next start tells of it
  }
}

/**
 * Checks that the engine's thread is running, and ends the process if it is not: nothing else can
 * interrupt an endless loop. It counts its own checks, so a sleeping machine or a paused process is
 * not a reason.
 */
async function watch({ buffer, data, after, again, logLevel }: WatchdogOrder): Promise<void> {
  const every = Math.max(100, Math.min(1_000, after / 8));
  let beats = beatsOf(buffer);
  let still = 0;
  for (;;) {
    await sleep(every);
    const now = beatsOf(buffer);
    still = now === beats ? still + every : 0;
    beats = now;
    if (still < after) continue;
    const stuck = workIn(buffer);
    const work = stuck.map(({ host, message }) => ({ host, messageId: message }));
    rootLogger(logLevel, { write: writeNow }).fatal(
      { event: 'engine-stuck', work, after },
      'engine-stuck',
    );
    try {
      addStuck(data, { at: Date.now(), after, work: stuck });
      if (again !== undefined) writeFileSync(again, '', { mode: 0o600 });
    } finally {
      // a looping thread does not notice a softer signal
      process.kill(process.pid, 'SIGKILL');
    }
  }
}
