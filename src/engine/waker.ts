import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders } from '../broker/envelope.ts';
import { idsFrom } from '../broker/find-by-id.ts';
import { WORKER } from '../broker/names.ts';
import type { Taken } from '../broker/queue.ts';
import type { Sleeper } from '../broker/waiting-room.ts';
import { whileHeld } from '../broker/while-held.ts';
import type { WaitingMessages } from '../control/engine-report.ts';
import { background } from '../error/background.ts';
import { describeError, isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { sweepMail } from '../flow/mail.ts';
import type { QueueLine } from '../flow/route.ts';
import { sweepState } from '../flow/shared-state.ts';
import { sweepPieces } from '../flow/stored-batches.ts';
import { loadBody, subject } from '../flow/subject.ts';
import type { Wiring } from '../flow/wiring.ts';
import type { Events } from '../log/events.ts';
import { orAbort } from '../time/or-abort.ts';
import { pause } from '../time/pause.ts';
import { after, type Timer } from '../time/timer.ts';
import type { Engine } from './engine.ts';
import { sweepLeft } from './left-batches.ts';
import { SleeperLine } from './sleeper-line.ts';

/** What waking needs from the engine. */
type Kept = Pick<Engine, 'broker' | 'leases' | 'waiting' | 'steps' | 'keyed'>;

/** Where messages go in the running production. */
interface Ways {
  readonly wiring: () => Wiring;
  /** Queues without messages of a process. */
  readonly operationStreams: () => readonly string[];
  /** Whether a process collects messages. */
  readonly collects: (host: string) => boolean;
}

export interface Waker {
  /** What waits, by host; undefined if another engine keeps the time. */
  waiting(): ReadonlyMap<string, WaitingMessages> | undefined;
  close(): Promise<void>;
}

/** Milliseconds until a change of the system's clock is noticed, at the latest. */
const LONGEST = 30_000;
/** How many are woken at once. */
const AT_ONCE = 64;
/** The wait after a message could not be put back because its queue is full, or its host is gone. */
const AGAIN = 5_000;
const LONG_AGAIN = 60_000;

/**
 * Puts messages with waiting processes back into their queues when their time or their answer
 * comes, on the one engine that holds the lease. Only the number of each message and what it waits
 * for are kept.
 */
export function startWaker(kept: Kept, ways: Ways, events: Pick<Events, 'told'>): Waker {
  const stop = new AbortController();
  let watch: Watch | undefined;
  const running = whileHeld(kept.leases, 'waker', {
    signal: stop.signal,
    onWaiting: () => undefined,
    run: async (held, lease) => {
      watch = new Watch(kept, ways, events, () => lease.isHeld());
      await watch.keep(held).finally(() => (watch = undefined));
      return 'clean';
    },
  });
  return {
    waiting: () => watch?.line.byHost(),
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** A period during which this engine holds the lease, with what is known here to be waiting. */
class Watch {
  readonly line = new SleeperLine();
  readonly #kept: Kept;
  readonly #ways: Ways;
  readonly #events: Pick<Events, 'told'>;
  /** Looks at the clock: an engine that stood still gets answers of NATS before it hears that its lease is over. */
  readonly #isOurs: () => boolean;
  readonly #over = new AbortController();
  /** Hosts for which `not-woken` has already been reported. */
  readonly #told = new Set<string>();
  #signal: AbortSignal = this.#over.signal;
  #timer: Timer | undefined;
  #busy = 0;

  constructor(kept: Kept, ways: Ways, events: Pick<Events, 'told'>, isOurs: () => boolean) {
    this.#isOurs = isOurs;
    this.#kept = kept;
    this.#ways = ways;
    this.#events = events;
  }

  /** Resolves when the signal aborts; rejects if NATS was unreachable at the beginning. */
  async keep(held: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([held, this.#over.signal]);
    this.#signal = signal;
    try {
      const arrivals = await orAbort(this.#kept.steps.arrivals(signal), signal);
      const isWaiting = (id: number): boolean => this.line.has(id);
      const sweep = sweepWhile(this.#kept, this.#ways, isWaiting, signal);
      const all = [this.#hear(arrivals), this.#enter(), this.#forget(), sweep];
      const ended = Promise.allSettled(all);
      // if one of them ends, messages would be missed: all start over
      await Promise.race(all).finally(() => this.#over.abort());
      await ended;
    } finally {
      this.#over.abort();
      this.#timer?.stop();
    }
  }

  async #hear(addresses: AsyncIterable<string>): Promise<void> {
    for await (const address of addresses) this.#answered(address);
  }

  async #enter(): Promise<void> {
    const { waiting, steps } = this.#kept;
    for await (const sleeper of waiting.sleepers(this.#signal)) {
      this.line.put(sleeper);
      // an answer may have arrived before its message was known here
      for (const address of sleeper.answers) {
        if ((await steps.kept(address)) !== undefined) this.#answered(address);
      }
      this.#look();
    }
  }

  /** What was settled meanwhile (collected with others, ended by a person) waits for nothing. */
  async #forget(): Promise<void> {
    for await (const place of this.#kept.waiting.leavings(this.#signal)) this.line.drop(place);
  }

  #answered(address: string): void {
    const sleeper = this.line.takeAnswered(address);
    if (sleeper === undefined) return;
    this.line.put({ ...sleeper, until: 0 });
    this.#look();
  }

  /** Wakes what is due, and checks again when the next one is. */
  #look(): void {
    this.#timer?.stop();
    if (this.#signal.aborted || !this.#isOurs()) return;
    while (this.#busy < AT_ONCE) {
      const due = this.line.takeDue(Date.now());
      if (due === undefined) break;
      background(this.#wake(due), 'waking a message');
    }
    if (this.#busy >= AT_ONCE) return;
    const wait = Math.min(Math.max(0, this.line.next() - Date.now()), LONGEST);
    this.#timer = after(wait, () => this.#look(), { ref: false });
  }

  async #wake(sleeper: Sleeper): Promise<void> {
    this.#busy += 1;
    try {
      await backToQueue(this.#kept, this.#ways.wiring(), sleeper, this.#isOurs);
      this.#told.delete(sleeper.host);
    } catch (error) {
      const { text } = describeError(error);
      if (!this.#told.has(sleeper.host)) {
        const what = `messages that have waited for their time or answer cannot go back to their queue: ${text}`;
        this.#events.told(sleeper.host, 'warn', 'not-woken', what);
      }
      this.#told.add(sleeper.host);
      const again = isEngineError(error) && error.retryable ? AGAIN : LONG_AGAIN;
      this.line.put({ ...sleeper, until: Date.now() + again });
    } finally {
      this.#busy -= 1;
      this.#look();
    }
  }
}

/** A crash in between leaves it in both places; it is then stored once, by the duplicate window. */
async function backToQueue(
  { broker, waiting }: Kept,
  wiring: Wiring,
  { id, host, sequence }: Sleeper,
  isOurs: () => boolean,
): Promise<void> {
  const taken = await waiting.read(sequence);
  // a person ended it, or it now waits for something else
  if (taken === undefined) return;
  const { message, bodyRef } = taken;
  const { partition, generation } = await lineOf(wiring, taken);
  // another engine may have woken it longer ago than the duplicate window
  if (!isOurs()) return;
  await broker.publisher.publish(
    broker.names.queue(host, partition, generation).subject,
    message.body.inline ?? new Uint8Array(0),
    {
      headers: envelopeHeaders(message, { bodyRef, woken: true }),
      msgID: `w${message.id}.${sequence}`,
    },
  );
  // what cannot be removed is put back again later, and the duplicate window stores it once
  await waiting.leave({ id, sequence }).catch(unless(isAway, 'removing a woken message'));
}

/** The line of its queue into which a message goes now. */
async function lineOf(wiring: Wiring, { message, bodyRef }: Taken): Promise<QueueLine> {
  const target = wiring.target(message.target);
  if (target.kind !== 'queue') throw new Error(`${message.target} no longer has a queue`);
  const { generation } = target;
  if (target.partition === undefined) return { partition: undefined, generation };
  const of = subject(message, message.body, bodyRef);
  if (target.readsBody) await loadBody(of);
  return { partition: target.partition(of), generation };
}

/** Steps unchanged for this long are checked, since their message may have ended. */
const OLD = 7 * 86_400_000;
const FIRST = 10 * 60_000;
const EVERY = 6 * 3_600_000;

/**
 * Removes shared state whose time is over, lists of what was collected by processes that no longer do, the steps of ended messages that a crash or a stop left behind,
 * and answers that came too late;
 * every few hours until the signal aborts.
 */
async function sweepWhile(
  kept: Kept,
  { operationStreams, collects }: Pick<Ways, 'operationStreams' | 'collects'>,
  isWaiting: (id: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (let time = FIRST; ; time = EVERY) {
    await pause(time, signal, { ref: false });
    if (signal.aborted) return;
    await sweepState(kept.keyed, signal);
    await sweepMail(kept.keyed, signal);
    await sweepLeft(kept, collects, signal);
    await sweepPieces(kept.keyed, signal);
    await sweepSteps(kept, { old: OLD, isWaiting, skipped: operationStreams() }, signal);
  }
}

/**
 * @param old milliseconds; steps added to since then stay @param skipped streams without messages
 * of a process @returns for how many messages steps were removed
 */
export async function sweepSteps(
  { broker, steps }: Pick<Kept, 'broker' | 'steps'>,
  {
    old,
    isWaiting,
    skipped,
  }: {
    readonly old: number;
    readonly isWaiting: (id: number) => boolean;
    readonly skipped: readonly string[];
  },
  signal?: AbortSignal,
): Promise<number> {
  const untouched = await steps.untouchedSince(Date.now() - old, signal);
  const ended = new Set([...untouched].filter((id) => !isWaiting(id)));
  if (ended.size === 0) return 0;
  for await (const stream of broker.manager.streams.names(broker.names.everything)) {
    if (!broker.names.isQueue(stream) || skipped.includes(stream)) continue;
    for (const id of await openIn(broker, stream)) ended.delete(id);
  }
  let removed = 0;
  for (const id of ended) {
    // it may have started to wait meanwhile
    if (isWaiting(id)) continue;
    await steps.forget(id);
    removed += 1;
  }
  return removed;
}

/** The messages of a queue that are not acknowledged. */
async function openIn(broker: Broker, stream: string): Promise<ReadonlySet<number>> {
  const consumers = await broker.manager.consumers.list(stream).next();
  const worker = consumers.find(({ name }) => name === WORKER);
  return idsFrom(broker, stream, (worker?.ack_floor.stream_seq ?? 0) + 1);
}
