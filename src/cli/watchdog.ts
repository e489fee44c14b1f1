import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { background } from '../error/background.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { unexpected } from '../error/unexpected.ts';
import { type MarkRecord, type Stuck, WorkMarks } from '../flow/work-marks.ts';
import type { Events } from '../log/events.ts';
import { describeDuration } from '../time/duration.ts';
import { forgetStuck, type StuckRecord, stuckRecords, stuckTold } from './stuck-file.ts';
import type { WatchdogOrder } from './watchdog-worker.ts';

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

/** How often engines of this data folder died while they worked on a message. */
interface Deaths extends Stuck {
  /** While its code ran. */
  readonly running: number;
  /** While it waited for something, so that others may have been the cause. */
  readonly waiting: number;
  /** When the first was noticed. */
  readonly first: number;
}

/**
 * How many deaths it takes until a message is set aside; the first of a row leaves no record of what was worked on.
 * A message that only waited is rarely the cause.
 */
const [RUNNING, WAITING] = [2, 10];
/** Milliseconds within which they count together. */
const WITHIN = 3_600_000;
const KEPT = 100;

const place = (data: string): string => join(data, 'deaths.json');

const isSame = (one: Stuck, other: Stuck): boolean =>
  one.host === other.host &&
  (one.message === other.message ||
    (one.size >= 0 && one.size === other.size && one.digest === other.digest));

/** Adds what the last engine worked on when it died, and returns all. */
function countDeaths(data: string, last: readonly LastWork[], now: number): Deaths[] {
  const known = read(data).filter(({ first }) => first > now - WITHIN && first <= now);
  const counted = last.map(({ ran, ...work }): Deaths => {
    const {
      running = 0,
      waiting = 0,
      first = now,
    } = known.find((one) => isSame(one, work)) ?? ({} as Partial<Deaths>);
    return { ...work, first, running: running + Number(ran), waiting: waiting + Number(!ran) };
  });
  const others = known.filter((one) => !counted.some((other) => isSame(one, other)));
  const all = [...others, ...counted].slice(-KEPT);
  if (last.length > 0) write(data, all);
  return all;
}

/** How often they died of it, if that is too often; otherwise undefined. */
const tooManyDeaths = ({ running, waiting }: Deaths): number | undefined =>
  running >= RUNNING || running + waiting >= WAITING ? running + waiting : undefined;

/** A person has stopped or changed the production: what they died of may be tried again. */
function forgetDeaths(data: string): void {
  rmSync(place(data), { force: true });
}

function read(data: string): Deaths[] {
  try {
    const found: unknown = JSON.parse(readFileSync(place(data), 'utf8'));
    return Array.isArray(found) ? (found as Deaths[]) : [];
  } catch {
    // none was written, or the disk was full: counting begins anew
    return [];
  }
}

function write(data: string, deaths: readonly Deaths[]): void {
  try {
    writeFileSync(place(data), JSON.stringify(deaths), { mode: 0o600 });
  } catch (error) {
    tolerate(error, isSystemError, 'counting the deaths of engines');
  }
}

/** Bytes of one mark: its state, then what is worked on. */
const SLOT = 512;
const SIGN = { running: 'R', waiting: 'W', free: ' ' } as const;

/** What an engine worked on when its process ended. */
interface LastWork extends Stuck {
  /** Whether its code ran, or waited for something. */
  readonly ran: boolean;
}

/**
 * A file of marks: the system writes it to the disk even if this process dies the moment after. The
 * memory that the watchdog sees dies with it.
 */
class WorkRecord implements MarkRecord {
  #file: number | undefined;

  constructor(path: string) {
    this.#safely(() => {
      this.#file = openSync(path, 'w', 0o600);
      ftruncateSync(this.#file, 0);
    });
  }

  begin(slot: number, work: Stuck): void {
    this.#write(` ${JSON.stringify(work)}`.padEnd(SLOT - 1).concat('\n'), slot);
  }

  state(slot: number, state: keyof typeof SIGN): void {
    this.#write(SIGN[state], slot);
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #write(text: string, slot: number): void {
    const file = this.#file;
    if (file !== undefined) this.#safely(() => writeSync(file, text, slot * SLOT));
  }

  /** Without a disk, messages are still processed: only what kills an engine is not known. */
  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      tolerate(error, isSystemError, 'recording what is worked on');
    }
  }
}

/** What an earlier process worked on, which did not remove its record; undefined if it ended in order. */
function lastWork(path: string): LastWork[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    tolerate(error, isSystemError, 'reading what was worked on');
    return undefined;
  }
  const slots = Array.from({ length: Math.ceil(text.length / SLOT) }, (_, at) =>
    text.slice(at * SLOT, (at + 1) * SLOT),
  );
  return slots.flatMap((slot) => {
    const sign = slot[0];
    if (sign !== SIGN.running && sign !== SIGN.waiting) return [];
    try {
      return [{ ...(JSON.parse(slot.slice(1)) as Stuck), ran: sign === SIGN.running }];
    } catch {
      // the disk was full, or the machine lost power
      return [];
    }
  });
}

function removeRecord(path: string): void {
  rmSync(path, { force: true });
}
