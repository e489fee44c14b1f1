import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../error/engine-error.ts';
import type { Envelope } from '../message/message.ts';

/** What was being worked on when an engine got stuck. */
export interface Stuck {
  readonly host: string;
  readonly message: number;
  readonly size: number;
  /** Digest of the beginning of the body: a message that is not stored yet comes again with another id. */
  readonly digest: string;
}

/** A message that is not taken up again. */
export interface Refused extends Stuck {
  /** How often the process ended while it was worked on; undefined if the engine got stuck. */
  readonly deaths?: number | undefined;
}

/** Where marks are kept that must outlive this process. */
export interface MarkRecord {
  begin(slot: number, work: Stuck): void;
  state(slot: number, state: 'running' | 'waiting' | 'free'): void;
}

/** A message given to a production's own code. */
export interface CodeInput {
  readonly message: Envelope;
  /** Its body, if it is in memory. */
  readonly bytes: Uint8Array | undefined;
}

/** One message that a production's own code is working on. */
export interface WorkMark {
  /** The code starts, or continues after a wait. */
  readonly running: () => void;
  /** The code waits for something. */
  readonly waiting: () => void;
  readonly end: () => void;
}

/** How many pieces of work can be recorded at once; more overwrite those that have waited longest. */
const SLOTS = 256;
const HOSTS = 1_024;
/** Milliseconds between two looks whether any code runs. */
const QUIET = 10;
/** Bytes of a host's name, which has up to 63 letters. */
const NAME = 64;
/** Bytes at the beginning of a body by which it is recognized. */
const BEGINNING = 4_096;
/** State, host, bytes kept, unused; then id and size as floats. */
const HEAD = 32;
const SLOT = HEAD + BEGINNING;
const FIRST = 8 + HOSTS * NAME;
const [FREE, WAITING, RUNNING] = [0, 1, 2] as const;
const NAMED = ['free', 'waiting', 'running'] as const;

/**
 * Records in shared memory which message a production's own code is working on, so that a watchdog
 * in another thread can name it when this thread's event loop is stuck. Written before the code
 * runs, since afterwards is too late.
 */
export class WorkMarks {
  readonly buffer = new SharedArrayBuffer(FIRST + SLOTS * SLOT);
  readonly #numbers = new Int32Array(this.buffer);
  readonly #floats = new Float64Array(this.buffer);
  readonly #bytes = new Uint8Array(this.buffer);
  readonly #hosts = new Map<string, number>();
  /** Counts the uses of a slot, so that overwritten work does not end its successor. */
  readonly #turns = new Uint32Array(SLOTS);
  #next = 0;
  #stuck: readonly Refused[] = [];
  #suspects: readonly Stuck[] = [];
  /** A suspect has its turn, or waits for it: others begin after it. */
  #trial: (PromiseWithResolvers<void> & { begun: boolean }) | undefined;
  /** Called when a suspect came to an end. */
  onSurvived: (one: Stuck) => void = () => undefined;
  #record: MarkRecord | undefined;

  /** Called at every tick of a timer: the loop is running, so whatever ran has paused. */
  beat(): void {
    Atomics.add(this.#numbers, 0, 1);
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = (FIRST + slot * SLOT) >> 2;
      if (this.#numbers[at] !== RUNNING) continue;
      this.#numbers[at] = WAITING;
      this.#record?.state(slot, 'waiting');
    }
    this.#endTrial();
  }

  /** Also keeps every mark there from now on; undefined no longer does. */
  set record(record: MarkRecord | undefined) {
    this.#record = record;
  }

  /** Sets the messages that are refused until somebody has checked them. */
  set stuck(stuck: readonly Refused[]) {
    this.#stuck = stuck;
  }

  /** Sets the messages that were in hand when an engine died: each is tried alone, which shows whether it is the cause. */
  set suspects(suspects: readonly Stuck[]) {
    this.#suspects = suspects;
  }

  /**
   * Waits, where this message is a suspect, until no other code runs, and otherwise until that of a suspect no longer
   * does: it has ended, or waits for something. Undefined if there is nothing to wait for.
   */
  turn(host: string, input: CodeInput): Promise<void> | undefined {
    if (this.#suspects.length === 0 && this.#trial === undefined) return undefined;
    const suspect = foundIn(this.#suspects, host, input);
    return suspect === undefined && this.#trial === undefined
      ? undefined
      : this.#awaitTurn(suspect !== undefined);
  }

  async #awaitTurn(isSuspect: boolean): Promise<void> {
    while (this.#trial !== undefined) await this.#trial.promise;
    if (!isSuspect) return;
    const trial = { ...Promise.withResolvers<void>(), begun: false };
    this.#trial = trial;
    // what waited for the turn before this one begins first, and is not marked yet
    do await sleep(QUIET, undefined, { ref: false });
    while (this.#isRunning());
    trial.begun = true;
  }

  #isRunning(): boolean {
    for (let slot = 0; slot < SLOTS; slot++)
      if (this.#numbers[(FIRST + slot * SLOT) >> 2] === RUNNING) return true;
    return false;
  }

  #endTrial(): void {
    const trial = this.#trial;
    if (trial?.begun !== true || this.#isRunning()) return;
    this.#trial = undefined;
    trial.resolve();
  }

  /** Throws PROCESS_STUCK or PROCESS_DIED for a message that engines did not survive; one that a person resends is tried once. */
  refuseStuck(host: string, input: CodeInput): void {
    if (this.#stuck.length === 0) return;
    const { id, resendOf, testBy } = input.message;
    const isTried = resendOf !== undefined || testBy !== undefined;
    // by its own number: an engine did not survive the resend either
    const known = isTried
      ? this.#stuck.find((one) => one.host === host && one.message === id)
      : foundIn(this.#stuck, host, input);
    if (known === undefined) return;
    if (known.deaths !== undefined)
      throw new EngineError(
        'PROCESS_DIED',
        `the engine's process ended ${known.deaths} times while ${host} worked on this message, and was started again. Look for what takes all the memory or ends the process in its code, then resend the message`,
      );
    throw new EngineError(
      'PROCESS_STUCK',
      `the engine got stuck while ${host} worked on this message, and was restarted. Look for an endless loop in its code, then resend the message`,
    );
  }

  /** Records that a host starts work on a message. */
  begin(host: string, { message, bytes }: CodeInput): WorkMark {
    const slot = this.#freeSlot();
    const turn = (this.#turns[slot] = (this.#turns[slot] ?? 0) + 1);
    const start = FIRST + slot * SLOT;
    const at = start >> 2;
    this.#numbers[at + 1] = this.#hostNumber(host);
    this.#floats[(start >> 3) + 2] = message.id;
    this.#floats[(start >> 3) + 3] = bytes?.byteLength ?? -1;
    if (bytes !== undefined) {
      this.#numbers[at + 2] = Math.min(bytes.byteLength, BEGINNING);
      const beginning = bytes.byteLength <= BEGINNING ? bytes : bytes.subarray(0, BEGINNING);
      this.#bytes.set(beginning, start + HEAD);
    }
    this.#record?.begin(slot, stuckAt(this.buffer, slot));
    const put = (state: 0 | 1 | 2): void => {
      if (this.#turns[slot] !== turn) return;
      this.#numbers[at] = state;
      this.#record?.state(slot, NAMED[state]);
    };
    put(RUNNING);
    const suspect = foundIn(this.#suspects, host, { message, bytes });
    return {
      running: () => put(RUNNING),
      waiting: () => {
        put(WAITING);
        this.#endTrial();
      },
      end: () => {
        put(FREE);
        this.#endTrial();
        if (suspect !== undefined) this.#clear(suspect);
      },
    };
  }

  #clear(suspect: Stuck): void {
    if (!this.#suspects.includes(suspect)) return;
    this.#suspects = this.#suspects.filter((one) => one !== suspect);
    this.onSurvived(suspect);
  }

  #freeSlot(): number {
    for (let tried = 0; tried < SLOTS; tried++) {
      this.#next = (this.#next + 1) % SLOTS;
      if (this.#numbers[(FIRST + this.#next * SLOT) >> 2] === FREE) return this.#next;
    }
    return (this.#next = (this.#next + 1) % SLOTS);
  }

  #hostNumber(host: string): number {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const number = this.#hosts.size % HOSTS;
    this.#bytes.fill(0, 8 + number * NAME, 8 + (number + 1) * NAME);
    this.#bytes.set(new TextEncoder().encode(host).subarray(0, NAME), 8 + number * NAME);
    this.#hosts.set(host, number);
    return number;
  }
}

/** How often the event loop of the marks' thread has ticked. */
export function beatsOf(buffer: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(buffer), 0);
}

/** What is being worked on: what is running, or if nothing is, what waits and may have continued without being seen. */
export function workIn(buffer: SharedArrayBuffer): Stuck[] {
  const numbers = new Int32Array(buffer);
  const inState = (wanted: number): Stuck[] =>
    Array.from({ length: SLOTS }, (_, slot) => slot)
      .filter((slot) => Atomics.load(numbers, (FIRST + slot * SLOT) >> 2) === wanted)
      .map((slot) => stuckAt(buffer, slot));
  const running = inState(RUNNING);
  return running.length > 0 ? running : inState(WAITING);
}

/** What a list has of the message, by its id, or by how its body begins if it is not stored yet. */
function foundIn<One extends Stuck>(
  list: readonly One[],
  host: string,
  { message, bytes }: CodeInput,
): One | undefined {
  return list.find(
    (one) =>
      one.host === host &&
      (one.message === message.id ||
        (bytes !== undefined &&
          one.size === bytes.byteLength &&
          one.digest === digestOf(bytes.subarray(0, BEGINNING)))),
  );
}

function stuckAt(buffer: SharedArrayBuffer, slot: number): Stuck {
  const start = FIRST + slot * SLOT;
  const [numbers, floats] = [new Int32Array(buffer), new Float64Array(buffer)];
  const name = 8 + (numbers[(start >> 2) + 1] ?? 0) * NAME;
  // a decoder refuses shared memory
  const host = new TextDecoder().decode(new Uint8Array(buffer).slice(name, name + NAME));
  const kept = start + HEAD + (numbers[(start >> 2) + 2] ?? 0);
  return {
    host: host.replace(/\0.*$/s, ''),
    message: floats[(start >> 3) + 2] ?? 0,
    size: floats[(start >> 3) + 3] ?? -1,
    digest: digestOf(new Uint8Array(buffer).slice(start + HEAD, kept)),
  };
}

function digestOf(beginning: Uint8Array): string {
  return createHash('sha256').update(beginning).digest('base64url');
}
