import { createInbox, type Msg } from '@nats-io/transport-node';
import { tolerate } from '../error/foreseen.ts';
import { after, type Timer } from '../time/timer.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { WORKER } from './names.ts';
import { READ_AHEAD } from './streams.ts';

/** Under load: milliseconds before the server is asked for what was handed over meanwhile. */
export const PACE = 50;
/** Milliseconds for the answer to a request that waits for nothing. */
export const ANSWER = 1_000;
/** The part of what is delivered that others may have stored, up to which it is worth waiting. */
const OTHERS = 0.1;
const EXPIRES = 30_000;
const BEAT = 2_000;
/** After two missed heartbeats the server is asked again: in a cluster its leader may be gone. */
const DEAF = 2 * BEAT + 500;
/** How many requests in a row may find nothing before one waits for messages again. */
const EMPTY = 2;
/** Milliseconds before a refused request is repeated. */
const AGAIN = 100;
const NANOS = 1_000_000;

const AT_ONCE = { batch: READ_AHEAD, no_wait: true };
const WAITING = { batch: READ_AHEAD, expires: EXPIRES * NANOS, idle_heartbeat: BEAT * NANOS };

/** Statuses of a pull request (ADR-13 of NATS). */
const NO_RESPONDERS = 503;
const OVER: ReadonlySet<number> = new Set([404, 408]);
const REFUSED = 409;

/** One request for messages, and what came of it. */
interface Asked {
  /** It waits for messages, instead of ending with what is there. */
  readonly waits: boolean;
  readonly reply: string;
  got: number;
  /** Of these, what the worker did not have yet. */
  taken: number;
  /** What this engine stored, but the server delivered sooner. */
  late: number;
}

/**
 * Asks the server for what a line has, one request after another. One that waits is answered as soon
 * as there is something. While the server delivers hardly anything but what this engine has stored
 * itself, and so already has, it is asked after a moment instead, for all of it together.
 */
export class LineRequests {
  /** Where messages arrive, and what the server says about requests. */
  readonly answers: string;
  readonly #broker: Broker;
  readonly #stream: string;
  readonly #inbox = createInbox();
  #asked: Asked = { waits: true, reply: '', got: 0, taken: 0, late: 0 };
  #count = 0;
  #heard = 0;
  /** How many requests in a row found nothing. */
  #empty = 0;
  #next: Timer | undefined;
  #watching: Timer | undefined;
  #ended = false;

  constructor(broker: Broker, stream: string) {
    this.#broker = broker;
    this.#stream = stream;
    this.answers = `${this.#inbox}.*`;
  }

  /** Asks from now on; a server that has fallen silent is asked again. */
  begin(): void {
    this.wait();
    this.#watch();
  }

  /** Nothing is asked any more, except with `askForRest`. */
  end(): void {
    this.#ended = true;
    this.#next?.stop();
    this.#watching?.stop();
  }

  /** Asks for what comes. */
  wait(): void {
    this.#ask({ waits: true });
  }

  /** For what is left at the end. */
  askForRest(): void {
    this.#publish(`${this.#inbox}.rest`, AT_ONCE);
  }

  /** The server is there. */
  heard(): void {
    this.#heard = performance.now();
  }

  /** A message was delivered. `pending` are those that the server has yet to deliver. */
  delivered(of: { readonly isNew: boolean }, pending: number): void {
    this.#empty = 0;
    this.#asked.got += 1;
    if (of.isNew) this.#asked.taken += 1;
    if (this.#asked.got >= READ_AHEAD) this.#filled(pending);
  }

  /** This engine stored a message that the server has already delivered. */
  wasLate(): void {
    this.#asked.late += 1;
  }

  /** Messages of others lie before the next one: no reason to wait any longer. */
  othersCame(): void {
    if (this.#next !== undefined) this.wait();
  }

  /** What the server says about a request. @returns whether the consumer is `gone` */
  said(raw: Msg): 'gone' | undefined {
    const said = saidBy(raw);
    if (said === undefined || said === 'gone') return said;
    // about an earlier request
    if (raw.subject !== this.#asked.reply) return undefined;
    if (said === 'refused') this.#after(AGAIN, () => this.wait());
    else if (said === 'over' && this.#mayPace()) this.#pace();
    else this.wait();
    return undefined;
  }

  #ask({ waits }: { readonly waits: boolean }): void {
    this.#next?.stop();
    this.#next = undefined;
    if (this.#ended) return;
    const reply = `${this.#inbox}.${this.#count++}`;
    this.#asked = { waits, reply, got: 0, taken: 0, late: 0 };
    this.heard();
    this.#publish(reply, waits ? WAITING : AT_ONCE);
    if (!waits) this.#after(PACE, () => this.#goOn(0));
  }

  #publish(reply: string, what: object): void {
    const { connection, turn } = this.#broker;
    turn.atEnd(() => {
      try {
        connection.publish(nextOf(this.#stream), JSON.stringify(what), { reply });
      } catch (error) {
        // it is asked again when nothing is heard
        tolerate(error, isAway, `asking for what ${this.#stream} has`);
      }
    });
  }

  /** A request has got all it asked for. */
  #filled(pending: number): void {
    const isBehind = pending > READ_AHEAD || this.#othersStore();
    if (isBehind || !this.#asked.waits) this.#ask({ waits: isBehind });
    else this.#pace();
  }

  /** A request that ended with what was there may be repeated at its pace, unless there is nothing. */
  #mayPace(): boolean {
    return !this.#asked.waits && (this.#asked.got > 0 || this.#empty++ < EMPTY);
  }

  #pace(): void {
    this.#after(PACE, () => this.#ask({ waits: this.#othersStore() }));
  }

  /** The time for what was there is over; a server that has not answered yet gets more. */
  #goOn(waited: number): void {
    if (this.#asked.got > 0) this.#ask({ waits: this.#othersStore() });
    else if (waited >= ANSWER) this.wait();
    else this.#after(PACE, () => this.#goOn(waited + PACE));
  }

  /** Whether the server delivered more than a little of what this engine had not stored. */
  #othersStore(): boolean {
    const { got, taken, late } = this.#asked;
    return taken - late > got * OTHERS;
  }

  #after(ms: number, run: () => void): void {
    this.#next?.stop();
    this.#next = after(ms, run, { ref: false });
  }

  #watch(): void {
    if (this.#asked.waits && performance.now() - this.#heard > DEAF) this.wait();
    this.#watching = after(BEAT, () => this.#watch(), { ref: false });
  }
}

const nextOf = (stream: string): string => `$JS.API.CONSUMER.MSG.NEXT.${stream}.${WORKER}`;

/**
 * What the server says about a request: the consumer or its stream is `gone` (or has no leader), it
 * is `over`, as many as may be are being worked on (`full`), or it is `refused` for now. Undefined
 * for a heartbeat.
 */
function saidBy({ headers }: Msg): 'gone' | 'over' | 'full' | 'refused' | undefined {
  const { code = 0, description = '' } = headers ?? {};
  if (code === NO_RESPONDERS) return 'gone';
  if (OVER.has(code)) return 'over';
  if (code !== REFUSED) return undefined;
  if (/deleted/i.test(description)) return 'gone';
  return /maxackpending/i.test(description) ? 'full' : 'refused';
}
