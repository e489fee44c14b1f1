import { PassingMap } from '../time/passing.ts';

/** How many of one subject NATS may have without having acknowledged them: at first, at least and at most. */
const FIRST = 256;
const LEAST = 64;
const MOST = 4_096;
/** So many times as many of all subjects. */
const OF_ALL = 4;
/** Milliseconds for one, below which more may be written at once, and above which fewer. */
const QUICK = 250;
const SLOW = 1_000;

/** Something to be written. */
export interface Writable {
  readonly subject: string;
  /** Returns whether it was written; false if nobody waits for it any more. */
  readonly write: () => boolean;
}

/**
 * What is written to NATS and not acknowledged yet. While nats-server (2.10) stores what one connection has written, it
 * sends acknowledgements only 64 KB at a time, which is some 1,300 of them: with many written at once and 4 ms for each
 * sync of the disk nothing is heard for five seconds, as from a server that is gone. So only as many are written as it
 * acknowledges in about a second, and the rest waits here, in order for each subject. A stream that acknowledges nothing
 * does not hold up the others.
 */
export class PublishWindow {
  /** When each was written. */
  readonly #written = new PassingMap<Writable, number>();
  readonly #of = new PassingMap<string, number>();
  readonly #parked = new Map<string, Parked>();
  #most = FIRST;
  #lessened = 0;

  /** Writes it once there is room. */
  add(one: Writable): void {
    const { subject } = one;
    const parked = this.#parked.get(subject);
    if (parked !== undefined) parked.waiting.push(one);
    else if (!this.#hasRoom(subject)) this.#parked.set(subject, { waiting: [one], next: 0 });
    else this.#write(one);
  }

  /** Whether it was written on this connection. */
  has(one: Writable): boolean {
    return this.#written.has(one);
  }

  /** Call it for each that is acknowledged or given up. */
  left(one: Writable): void {
    const at = this.#written.get(one);
    if (at === undefined) return;
    this.#written.delete(one);
    this.#fit(at);
    const { subject } = one;
    const rest = (this.#of.get(subject) ?? 1) - 1;
    if (rest === 0) this.#of.delete(subject);
    else this.#of.set(subject, rest);
    if (this.#parked.size > 0) this.#writeParked();
  }

  /** Forgets everything: the connection is gone. */
  clear(): void {
    this.#written.clear();
    this.#of.clear();
    this.#parked.clear();
  }

  /** By how long one took: twice as many after a windowful that was quick, half as many after a slow one. */
  #fit(at: number): void {
    const now = performance.now();
    if (now - at < QUICK && this.#parked.size > 0) this.#most = Math.min(this.#most + 1, MOST);
    if (now - at < SLOW || at < this.#lessened) return;
    this.#lessened = now;
    this.#most = Math.max(LEAST, this.#most >> 1);
  }

  #hasRoom(subject: string): boolean {
    const written = this.#of.get(subject) ?? 0;
    // one of each always: what nobody acknowledges may fill the rest
    return written === 0 || (this.#written.size < OF_ALL * this.#most && written < this.#most);
  }

  #write(one: Writable): boolean {
    if (!one.write()) return false;
    this.#written.set(one, performance.now());
    this.#of.set(one.subject, (this.#of.get(one.subject) ?? 0) + 1);
    return true;
  }

  /** Of each subject in turn, as long as there is room: what is set again comes again. */
  #writeParked(): void {
    for (const [subject, parked] of this.#parked) {
      if (!this.#hasRoom(subject)) continue;
      // what was given up meanwhile takes no turn
      for (let one = taken(parked); one !== undefined; one = taken(parked)) {
        if (this.#write(one)) break;
      }
      this.#parked.delete(subject);
      if (parked.next < parked.waiting.length) this.#parked.set(subject, parked);
    }
  }
}

/** What waits for a subject, from the one that is next. Taking the first out of an array of 100,000 moves all others: seconds, for all of them. */
interface Parked {
  waiting: (Writable | undefined)[];
  next: number;
}

/** At so many places of what was taken, and half of all, the rest is put together again. */
const EMPTY_PLACES = 1_024;

function taken(parked: Parked): Writable | undefined {
  const one = parked.waiting[parked.next];
  if (one === undefined) return undefined;
  // it holds a body
  parked.waiting[parked.next] = undefined;
  parked.next += 1;
  if (parked.next > EMPTY_PLACES && parked.next * 2 > parked.waiting.length) {
    parked.waiting = parked.waiting.slice(parked.next);
    parked.next = 0;
  }
  return one;
}
