import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { background } from '../error/background.ts';
import { unexpected } from '../error/unexpected.ts';
import type { WorkMarks } from '../flow/work-marks.ts';
import type { Events } from '../log/events.ts';
import type { Logger } from '../log/logger.ts';
import { describeDuration } from '../time/duration.ts';
import { forgetStuck, stuckRecords, stuckTold } from './stuck-file.ts';
import type { WatchdogOrder } from './watchdog-worker.ts';

const BEAT = 100;

/** Names the file whose being there tells whoever started this process to start it again; set by `waybill.cjs`. */
const AGAIN = 'WAYBILL_AGAIN';

export interface Watchdog {
  /** What stood still may be tried again: a person has changed the production. */
  forget(): void;
  stop(): Promise<void>;
}

export interface WatchdogOptions {
  readonly data: string;
  /** Milliseconds after which an engine that does not turn is ended. */
  readonly after: number;
  readonly log: Logger;
  readonly events: Events;
}

/**
 * Watches this thread from another one: where it does not turn for `after` milliseconds, the process is ended
 * and what it was at work on is kept, so that the next one begins without it. Tells first at what an
 * earlier one stood still.
 */
export function startWatchdog(
  marks: WorkMarks,
  { data, after, log, events }: WatchdogOptions,
): Watchdog {
  heedStuck(data, marks, events);
  const state = { stopped: false };
  background(beat(marks, state), 'showing the watchdog that the engine turns');
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
    forget,
    async stop() {
      state.stopped = true;
      await worker.terminate();
      forget();
    },
  };
}

async function beat(marks: WorkMarks, state: { readonly stopped: boolean }): Promise<void> {
  while (!state.stopped) {
    marks.beat();
    await sleep(BEAT, undefined, { ref: false });
  }
}

/** Tells at what earlier engines of this data folder stood still, and keeps their messages from being taken up. */
function heedStuck(data: string, marks: WorkMarks, events: Events): void {
  const records = stuckRecords(data);
  marks.stuck = records.flatMap(({ work }) => work);
  for (const { work, after, told } of records) {
    if (told === true) continue;
    const still = `The engine stood still for ${describeDuration(after)}`;
    if (work.length === 0) {
      const text = `${still}, and it is not known at which message. It was begun again.`;
      events.told('', 'error', 'engine-stuck', text);
    }
    for (const { host, message } of work) {
      const text = `${still} while ${host} worked on message ${message}. It was begun again, and the message is suspended when it comes again. Look for an endless loop in the code.`;
      events.told(host, 'error', 'engine-stuck', text);
    }
  }
  stuckTold(data);
}
