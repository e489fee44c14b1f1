import type { Worker } from 'node:worker_threads';
import type { FileEdit } from '../definition/history/checked-files.ts';
import { type StagedFolder, stagedFolder } from '../definition/history/staged-folder.ts';
import type { Rehearsal, RehearsalRequest } from '../definition/rehearsal.ts';
import { bytesOf } from '../engine/file-history.ts';
import { background } from '../error/background.ts';
import { EngineError, isEngineError, toldError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { after, type Timer } from '../time/timer.ts';
import type { RehearsalOrder, RehearsalWork, Tried, TriedAnswer } from './rehearsal-worker.ts';
import { type CodeNotice, type SpareThreads, spareThreads } from './spare-threads.ts';

export interface RehearsalLimits {
  /** Milliseconds of processor time that one message may take once the files are read. */
  readonly each: number;
  /** The same for reading the files. */
  readonly reading: number;
  /** Milliseconds after which the files of a run are forgotten. */
  readonly idle: number;
  /** Memory that code may take which is tried. */
  readonly megabytes: number;
}

const LIMITS: RehearsalLimits = { each: 5_000, reading: 15_000, idle: 30_000, megabytes: 512 };
/** How many times its limit a thread may take by the clock: it yields to the engine's, and waits for its turn. */
const PATIENCE = 2;
/** Milliseconds until the processor time of a message is looked at for the first time. */
const AT_ONCE = 50;
/** Runs that are held at once; what they hold is a whole production each. */
const ROOMS = 2;

/** Tries messages with the production's files beside the engine: what loops or takes all memory there ends there. */
export interface Rehearsals {
  rehearse(request: RehearsalRequest, body: Uint8Array): Promise<Rehearsal>;
  stop(): Promise<void>;
}

export function rehearsals(
  order: () => RehearsalOrder,
  limits: RehearsalLimits = LIMITS,
): Rehearsals {
  const threads = spareThreads({ module: 'rehearsal-worker', megabytes: limits.megabytes });
  const rooms = new Map<string, Room>();
  const opening = new Map<string, Promise<Room>>();
  let last = 0;
  const open = async (run: string, { edited, edits }: RehearsalRequest): Promise<Room> => {
    if (edited === true && edits === undefined)
      throw new EngineError('REHEARSAL_UNKNOWN', 'this run is not known here: send its edits', {
        retryable: true,
      });
    makeRoom(rooms, [...opening.keys()].filter((one) => !rooms.has(one)).length);
    const { folder, ...more } = order();
    const staged = edits === undefined ? undefined : await stagedWith(folder, edits);
    const files = { ...more, folder: staged?.path ?? folder };
    const room: Room = new Room(threads, files, limits, () => {
      if (rooms.get(run) === room) rooms.delete(run);
      background(removed(staged), 'removing the files of a trial');
    });
    rooms.set(run, room);
    return room;
  };
  const roomOf = (run: string, request: RehearsalRequest): Promise<Room> => {
    const known = rooms.get(run);
    if (known?.isOpen === true) return Promise.resolve(known);
    const first = opening.get(run);
    if (first !== undefined) return first;
    const made = open(run, request).finally(() => opening.delete(run));
    opening.set(run, made);
    return made;
  };
  return {
    async rehearse(request, body) {
      const { run } = request;
      const known = run === undefined ? undefined : rooms.get(run);
      // it counts as busy from now on, not only from the next turn
      const room = known?.isOpen === true ? known : await roomOf(run ?? `alone-${++last}`, request);
      try {
        return await room.take({ request: { ...request, edits: undefined }, body });
      } finally {
        if (run === undefined) await room.close();
      }
    },
    async stop() {
      await Promise.all([...rooms.values()].map((room) => room.close()));
      await threads.stop();
    },
  };
}

/** The production as it would be; the thread that reads it may be ended at any time, so this one removes it. */
async function stagedWith(folder: string, edits: readonly FileEdit[]): Promise<StagedFolder> {
  const staged = await stagedFolder(folder);
  try {
    await staged.hold(new Map(edits.map((edit) => [edit.path, bytesOf(edit)])));
    return staged;
  } catch (error) {
    await removed(staged);
    throw error;
  }
}

async function removed(staged: StagedFolder | undefined): Promise<void> {
  await staged?.[Symbol.asyncDispose]();
}

/** The run that nobody has asked for longest gives way. */
function makeRoom(rooms: Map<string, Room>, opening: number): void {
  if (rooms.size + opening < ROOMS) return;
  const [idle] = [...rooms.values()]
    .filter(({ isBusy }) => !isBusy)
    .toSorted((a, b) => a.used - b.used);
  if (idle === undefined)
    throw new EngineError(
      'REHEARSAL_BUSY',
      'others are trying messages with the files just now: try again when they are done',
      { retryable: true },
    );
  background(idle.close(), 'ending a run that nobody asks for', isEnding);
}

/** A thread with the files of one run; one message at a time. */
class Room {
  readonly #threads: SpareThreads;
  readonly #worker: Worker;
  readonly #limits: RehearsalLimits;
  readonly #onClosed: () => void;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Whoever made it is about to use it. */
  #isNew = true;
  /** Its thread has answered everything. */
  #isDone = true;
  #idle: Timer | undefined;
  isOpen = true;
  used = performance.now();

  constructor(
    threads: SpareThreads,
    order: RehearsalOrder,
    limits: RehearsalLimits,
    onClosed: () => void,
  ) {
    this.#threads = threads;
    this.#limits = limits;
    this.#onClosed = onClosed;
    this.#worker = threads.take();
    this.#worker.once('exit', this.#closed);
    this.#tell({ order });
  }

  #tell(work: RehearsalWork): void {
    this.#worker.postMessage(work);
  }

  get isBusy(): boolean {
    return this.#isNew || this.#waiting > 0;
  }

  async take(tried: Tried): Promise<Rehearsal> {
    this.#isNew = false;
    this.#waiting++;
    this.#idle?.stop();
    const turn = this.#turn.then(() => this.#take(tried));
    this.#turn = turn.catch(toldElsewhere);
    try {
      return await turn;
    } finally {
      this.#waiting--;
      this.used = performance.now();
      if (!this.isBusy) this.#idle = after(this.#limits.idle, this.#end, { ref: false });
    }
  }

  readonly #end = (): void =>
    background(this.close(), 'ending a run that nobody asks for', isEnding);

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.#closed();
    this.#worker.off('exit', this.#closed);
    if (this.#isDone) await this.#threads.giveBack(this.#worker);
    else await this.#worker.terminate();
  }

  readonly #closed = (): void => {
    this.isOpen = false;
    this.#idle?.stop();
    this.#onClosed();
  };

  async #take(tried: Tried): Promise<Rehearsal> {
    if (!this.isOpen) throw stuck('was ended with what was tried before it');
    const { each, reading } = this.#limits;
    const answer = Promise.withResolvers<Exclude<TriedAnswer, { readonly read: true }>>();
    const limit = (time: number): Timer =>
      afterWork(this.#worker, time, () =>
        answer.reject(stuck(`took longer than ${time / 1_000} s`)),
      );
    let late = limit(reading);
    const heard = (told: TriedAnswer | CodeNotice): void => {
      if ('runsCode' in told) return;
      late.stop();
      if ('read' in told) late = limit(each);
      else answer.resolve(told);
    };
    const ended = (): void => answer.reject(stuck('took too much memory, or ended its thread'));
    this.#worker.on('message', heard);
    this.#worker.once('exit', ended);
    try {
      this.#isDone = false;
      this.#tell(tried);
      const told = await answer.promise;
      this.#isDone = true;
      if ('result' in told) return told.result;
      throw toldError(told.failure, 'TRANSFORM_FAILED');
    } catch (error) {
      if (isEngineError(error) && error.code === 'REHEARSAL_STUCK') await this.close();
      throw error;
    } finally {
      late.stop();
      this.#worker.off('message', heard);
      this.#worker.off('exit', ended);
    }
  }
}

/** Runs something once a thread has used so many milliseconds of processor time, or a moment longer: what ends at once is not measured. */
function afterWork(worker: Worker, time: number, run: () => void): Timer {
  const begun = performance.now();
  let before: number | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    const used = await usedBy(worker);
    before ??= used;
    const left = time - used + before;
    if (isStopped) return;
    if (left <= 0 || performance.now() - begun >= PATIENCE * time) run();
    else wait(Math.min(left, begun + PATIENCE * time - performance.now()));
  };
  const wait = (left: number): void => {
    timer = after(left, () => background(look(), 'measuring a trial of the files'));
  };
  let timer = after(Math.min(AT_ONCE, time), () =>
    background(look(), 'measuring a trial of the files'),
  );
  return {
    stop: () => {
      isStopped = true;
      timer.stop();
    },
  };
}

/** Milliseconds of processor time since a thread began. */
async function usedBy(worker: Worker): Promise<number> {
  try {
    const { user, system } = await worker.cpuUsage();
    return (user + system) / 1_000;
  } catch {
    // it has not begun, or has ended, as its `exit` reports
    return 0;
  }
}

const stuck = (why: string): EngineError =>
  new EngineError(
    'REHEARSAL_STUCK',
    `what the files make of this message ${why}. Nothing was sent, and what runs was not touched: look for an endless loop in the code that the message goes through`,
  );

/** A thread that is ended for its own good has nothing to tell. */
const isEnding = (): boolean => true;
