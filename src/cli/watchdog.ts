import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { background } from '../error/background.ts';
import { unexpected } from '../error/unexpected.ts';
import { WorkMarks } from '../flow/work-marks.ts';
import type { Events } from '../log/events.ts';
import type { Logger } from '../log/logger.ts';
import { describeDuration } from '../time/duration.ts';
import { forgetStuck, stuckRecords, stuckTold } from './stuck-file.ts';
import type { WatchdogOrder } from './watchdog-worker.ts';

const BEAT = 100;

/** Names the file whose existence tells the parent process to restart this one; set by `waybill.cjs`. */
const AGAIN = 'WAYBILL_AGAIN';

export interface Watchdog {
  /** Where the engine says what the production's code works on. */
  readonly marks: WorkMarks;
  /** Called when a person has changed the production: what was stuck may be tried again. */
  forget(): void;
  stop(): Promise<void>;
}

export interface WatchdogOptions {
  readonly data: string;
  /** Milliseconds after which an engine that is stuck is ended. */
  readonly after: number;
  readonly log: Logger;
  readonly events: Events;
}

/**
 * Watches this thread from another one: if it is stuck for `after` milliseconds, the process is
 * ended and what it was working on is recorded, so that the next one starts without it. First
 * reports what an earlier one was stuck on.
 */
export function startWatchdog({ data, after, log, events }: WatchdogOptions): Watchdog {
  const marks = new WorkMarks();
  heedStuck(data, marks, events);
  const state = { stopped: false };
  background(beat(marks, state), 'showing the watchdog that the engine is running');
  const { buffer } = marks;
  const workerData: WatchdogOrder = {
    buffer,
    data,
    after,
    again: process.env[AGAIN],
    logLevel: log.level,
  };
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`watchdog-worker${extension}`, import.meta.url), {
    workerData,
  });
  worker.unref();
  worker.on('error', (error) => unexpected('watching the engine', error));
  const forget = (): void => {
    marks.stuck = [];
    forgetStuck(data);
  };
  return {
    marks,
    forget,
    async stop() {
      state.stopped = true;
      await worker.terminate();
    },
  };
}

async function beat(marks: WorkMarks, state: { readonly stopped: boolean }): Promise<void> {
  while (!state.stopped) {
    marks.beat();
    await sleep(BEAT, undefined, { ref: false });
  }
}

/** Reports what earlier engines of this data folder were stuck on, and prevents their messages from being taken up. */
function heedStuck(data: string, marks: WorkMarks, events: Events): void {
  const records = stuckRecords(data);
  marks.stuck = records.flatMap(({ work }) => work);
  for (const { work, after, told } of records) {
    if (told === true) continue;
    const still = `The engine was stuck for ${describeDuration(after)}`;
    if (work.length === 0) {
      const text = `${still}, it is not known on which message. It was restarted.`;
      events.told('', 'error', 'engine-stuck', text);
    }
    for (const { host, message } of work) {
      const text = `${still} while ${host} worked on message ${message}. It was restarted, and the message is suspended when it comes again. Look for an endless loop in the code.`;
      events.told(host, 'error', 'engine-stuck', text);
    }
  }
  stuckTold(data);
}
