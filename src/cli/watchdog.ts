import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { background } from '../error/background.ts';
import { unexpected } from '../error/unexpected.ts';
import { WorkMarks } from '../flow/work-marks.ts';
import type { Events } from '../log/events.ts';
import { describeDuration } from '../time/duration.ts';
import { countDeaths, type Deaths, forgetDeaths, forgetDeathsOf, tooManyDeaths } from './deaths.ts';
import { forgetStuck, type StuckRecord, stuckRecords, stuckTold } from './stuck-file.ts';
import type { WatchdogOrder } from './watchdog-worker.ts';
import { type LastWork, lastWork, removeRecord, WorkRecord } from './work-record.ts';

const BEAT = 100;

/** Names the file whose existence tells the parent process to restart this one; set by `waybill.cjs`. */
const AGAIN = 'WAYBILL_AGAIN';

export interface Watchdog {
  /** Where the engine says what the production's code works on. */
  readonly marks: WorkMarks;
  /** Called when a person has changed the production: what was stuck may be tried again. */
  forget(): void;
  /** Called when the engine ends because of a fault: the next one learns what was worked on. */
  fault(): void;
  /** @param how `ended` in order, or a start that `failed`: the next one then learns what an earlier engine left behind */
  stop(how: 'ended' | 'failed'): Promise<void>;
}

export interface WatchdogOptions {
  readonly data: string;
  /** Milliseconds after which an engine that is stuck is ended. */
  readonly after: number;
  readonly events: Events;
}

/**
 * Watches this thread from another one: if it is stuck for `after` milliseconds, the process is
 * ended and what it was working on is recorded, so that the next one starts without it. First
 * reports what an earlier one was stuck on.
 */
export function startWatchdog({ data, after, events }: WatchdogOptions): Watchdog {
  const marks = new WorkMarks();
  const place = join(data, 'at-work');
  const last = lastWork(place);
  heed(data, { marks, events, last });
  // an engine that has not died yet pays nothing for it
  const record = new WorkRecord(place);
  if (last !== undefined) marks.record = record;
  const state = { stopped: false, faulty: false };
  background(beat(marks, state), 'showing the watchdog that the engine is running');
  const { buffer } = marks;
  const workerData: WatchdogOrder = {
    buffer,
    data,
    after,
    again: process.env[AGAIN],
  };
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`watchdog-worker${extension}`, import.meta.url), {
    workerData,
  });
  worker.unref();
  worker.on('error', (error) => unexpected('watching the engine', error));
  const forget = (): void => {
    marks.stuck = [];
    marks.suspects = [];
    forgetStuck(data);
    forgetDeaths(data);
  };
  return {
    marks,
    forget,
    fault() {
      state.faulty = true;
      marks.record = undefined;
    },
    async stop(how) {
      const inOrder = how === 'ended';
      state.stopped = true;
      await worker.terminate();
      marks.record = undefined;
      record.close();
      if (inOrder && !state.faulty) forget();
      // a start that failed after a death: the next one is as careful
      if (!state.faulty && (inOrder || last === undefined)) removeRecord(place);
    },
  };
}

async function beat(marks: WorkMarks, state: { readonly stopped: boolean }): Promise<void> {
  while (!state.stopped) {
    marks.beat();
    await sleep(BEAT, undefined, { ref: false });
  }
}

/** What an earlier engine of this data folder left behind. */
interface Left {
  readonly marks: WorkMarks;
  readonly events: Events;
  /** What it worked on when it died; undefined if it ended in order. */
  readonly last: readonly LastWork[] | undefined;
}

/** Reports what earlier engines of this data folder did not survive, and prevents those messages from being taken up. */
function heed(data: string, { marks, events, last }: Left): void {
  const records = stuckRecords(data);
  const wasStuck = records.some(({ told }) => told !== true);
  tellStuck(data, records, events);
  // one that was stuck was ended by its watchdog
  const died = wasStuck ? undefined : last;
  const deaths = countDeaths(data, died ?? [], Date.now());
  if (died !== undefined) tellDeath(died, deaths, events);
  const fatal = deaths.flatMap((one) => {
    const times = tooManyDeaths(one);
    return times === undefined ? [] : { ...one, deaths: times };
  });
  marks.stuck = [...records.flatMap(({ work }) => work), ...fatal];
  marks.suspects = deaths.filter((one) => tooManyDeaths(one) === undefined);
  marks.onSurvived = (one) => forgetDeathsOf(data, one);
}

function tellStuck(data: string, records: readonly StuckRecord[], events: Events): void {
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

function tellDeath(last: readonly LastWork[], deaths: readonly Deaths[], events: Events): void {
  const text =
    'The engine ended without being stopped: it was killed, ran out of memory, an error of its code ended it, or the machine lost power. It was started again.';
  events.told('', 'warn', 'engine-died', text);
  for (const { host, message } of last) {
    const counted = deaths.find((one) => one.host === host && one.message === message);
    const times = counted === undefined ? undefined : tooManyDeaths(counted);
    if (times === undefined) continue;
    const fatal = `The engine ended ${times} times while ${host} worked on message ${message}: it is suspended when it comes again. Look for what takes all the memory or ends the process in its code, then resend it.`;
    events.told(host, 'error', 'engine-died', fatal);
  }
}
