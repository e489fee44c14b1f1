import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { envelopeHeaders } from '../broker/envelope.ts';
import { idsFrom } from '../broker/find-by-id.ts';
import type { Leases } from '../broker/lease.ts';
import { WORKER } from '../broker/names.ts';
import type { Taken } from '../broker/queue.ts';
import type { Steps } from '../broker/steps.ts';
import type { Sleeper, WaitingRoom } from '../broker/waiting-room.ts';
import { whileHeld } from '../broker/while-held.ts';
import type { WaitingMessages } from '../control/engine-report.ts';
import { background } from '../error/background.ts';
import { describeError, isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import type { QueueLine } from '../flow/route.ts';
import { loadBody, subject } from '../flow/subject.ts';
import type { Wiring } from '../flow/wiring.ts';
import type { Events } from '../log/events.ts';
import { orAbort } from '../time/or-abort.ts';
import { pause } from '../time/pause.ts';
import { after, type Timer } from '../time/timer.ts';
import { SleeperLine } from './sleeper-line.ts';

interface WakerParts {
  readonly broker: Broker;
  readonly leases: Leases;
  readonly waiting: WaitingRoom;
  readonly steps: Steps;
  readonly wiring: () => Wiring;
  /** Queues that hold no message of a process. */
  readonly operationStreams: () => readonly string[];
  readonly events: Pick<Events, 'told'>;
}

export interface Waker {
  /** What waits, by host; undefined where another engine keeps the time. */
  waiting(): ReadonlyMap<string, WaitingMessages> | undefined;
  close(): Promise<void>;
}

/** A clock that was set is noticed after this long at the latest, milliseconds. */
const LONGEST = 30_000;
/** How many are woken at once. */
const AT_ONCE = 64;
/** The wait after one could not be put back into its queue: it is full; or its host is gone. */
const AGAIN = 5_000;
const LONG_AGAIN = 60_000;

/**
 * Puts messages whose processes wait back into their queues when their time or their answer comes, on
 * the one engine that holds the lease. All that is kept of each is its number and what it waits for.
 */
export function startWaker(parts: WakerParts): Waker {
  const stop = new AbortController();
  let line: SleeperLine | undefined;
  const running = whileHeld(parts.leases, 'waker', {
    signal: stop.signal,
    onWaiting: () => undefined,
    run: async (held) => {
      line = new SleeperLine();
      await wakeWhile(parts, line, held).finally(() => (line = undefined));
      return 'clean';
    },
  });
  return {
    waiting: () => line?.byHost(),
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** Resolves when the signal aborts; rejects where NATS was away while it began. */
async function wakeWhile(parts: WakerParts, line: SleeperLine, held: AbortSignal): Promise<void> {
  const { waiting, steps, events } = parts;
  const over = new AbortController();
  const signal = AbortSignal.any([held, over.signal]);
  let timer: Timer | undefined;
  let busy = 0;
  const told = new Set<string>();

  const wake = async (sleeper: Sleeper): Promise<void> => {
    busy += 1;
    try {
      await backToQueue(parts, sleeper);
      told.delete(sleeper.host);
    } catch (error) {
      const { text } = describeError(error);
      if (!told.has(sleeper.host)) {
        const what = `messages that have waited for their time or answer cannot go back to their queue: ${text}`;
        events.told(sleeper.host, 'warn', 'not-woken', what);
      }
      told.add(sleeper.host);
      const again = isEngineError(error) && error.retryable ? AGAIN : LONG_AGAIN;
      line.put({ ...sleeper, until: Date.now() + again });
    } finally {
      busy -= 1;
      look();
    }
  };

  const look = (): void => {
    timer?.stop();
    if (signal.aborted) return;
    while (busy < AT_ONCE) {
      const due = line.takeDue(Date.now());
      if (due === undefined) break;
      background(wake(due), 'waking a message');
    }
    if (busy >= AT_ONCE) return;
    timer = after(Math.min(Math.max(0, line.next() - Date.now()), LONGEST), look, { ref: false });
  };

  const answered = (address: string): void => {
    const sleeper = line.takeAnswered(address);
    if (sleeper === undefined) return;
    line.put({ ...sleeper, until: 0 });
    look();
  };

  const hear = async (addresses: AsyncIterable<string>): Promise<void> => {
    for await (const address of addresses) answered(address);
  };
  const enter = async (): Promise<void> => {
    for await (const sleeper of waiting.sleepers(signal)) {
      line.put(sleeper);
      // one that came before it was known here
      for (const address of sleeper.answers) {
        if ((await steps.kept(address)) !== undefined) answered(address);
      }
      look();
    }
  };
  try {
    const arrivals = await orAbort(steps.arrivals(signal), signal);
    const all = [hear(arrivals), enter(), sweepWhile(parts, (id) => line.has(id), signal)];
    const ended = Promise.allSettled(all);
    // one that ended hears nothing any more: all begin anew
    await Promise.race(all).finally(() => over.abort());
    await ended;
  } finally {
    over.abort();
    timer?.stop();
  }
}

/** Where a crash comes between, it lies in both: it is put back once within the duplicate window. */
async function backToQueue(
  { broker, waiting, wiring }: WakerParts,
  { host, sequence }: Sleeper,
): Promise<void> {
  const taken = await waiting.read(sequence);
  // a person ended it, or it waits for something else by now
  if (taken === undefined) return;
  const { message, bodyRef } = taken;
  const { partition, generation } = await lineOf(wiring(), taken);
  await broker.publisher.publish(
    broker.names.queue(host, partition, generation).subject,
    message.body.inline ?? new Uint8Array(0),
    {
      headers: envelopeHeaders(message, { bodyRef, woken: true }),
      msgID: `w${message.id}.${sequence}`,
    },
  );
  // what stays is put back once more, and stored once
  await waiting.leave(sequence).catch(unless(isAway, 'removing a message that was woken'));
}

/** The line of its queue into which a message goes now. */
async function lineOf(wiring: Wiring, { message, bodyRef }: Taken): Promise<QueueLine> {
  const target = wiring.target(message.target);
  if (target.kind !== 'queue') throw new Error(`${message.target} has no queue any more`);
  const { generation } = target;
  if (target.partition === undefined) return { partition: undefined, generation };
  const of = subject(message, message.body, bodyRef);
  if (target.readsBody) await loadBody(of);
  return { partition: target.partition(of), generation };
}

/** Steps that nothing was added to for this long are looked at: their message may have ended. */
const OLD = 7 * 86_400_000;
const FIRST = 10 * 60_000;
const EVERY = 6 * 3_600_000;

interface SweepParts {
  readonly broker: Broker;
  readonly steps: Steps;
  readonly operationStreams: () => readonly string[];
}

/**
 * Removes the steps of messages that have ended, where a crash or a stop came before that was done, and
 * answers that came after it; now and again until the signal aborts.
 */
async function sweepWhile(
  parts: SweepParts,
  isWaiting: (id: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (let time = FIRST; ; time = EVERY) {
    await pause(time, signal, { ref: false });
    if (signal.aborted) return;
    await sweepSteps(parts, isWaiting, OLD, signal);
  }
}

/** @returns how many messages' steps were removed */
export async function sweepSteps(
  { broker, steps, operationStreams }: SweepParts,
  isWaiting: (id: number) => boolean,
  old: number,
  signal?: AbortSignal,
): Promise<number> {
  const untouched = await steps.untouchedSince(Date.now() - old, signal);
  const ended = new Set([...untouched].filter((id) => !isWaiting(id)));
  if (ended.size === 0) return 0;
  const skipped = new Set(operationStreams());
  for await (const stream of broker.manager.streams.names(broker.names.everything)) {
    if (!broker.names.isQueue(stream) || skipped.has(stream)) continue;
    for (const id of await openIn(broker, stream)) ended.delete(id);
  }
  let removed = 0;
  for (const id of ended) {
    // it may have begun to wait meanwhile
    if (isWaiting(id)) continue;
    await steps.forget(id);
    removed += 1;
  }
  return removed;
}

/** What lies in a queue and is not acknowledged. */
async function openIn(broker: Broker, stream: string): Promise<ReadonlySet<number>> {
  const consumers = await broker.manager.consumers.list(stream).next();
  const worker = consumers.find(({ name }) => name === WORKER);
  return idsFrom(broker, stream, (worker?.ack_floor.stream_seq ?? 0) + 1);
}
