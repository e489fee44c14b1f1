import {
  type ConsumerInfo,
  JetStreamApiError,
  type StreamInfo,
  type StreamState,
} from '@nats-io/jetstream';
import { millis } from '@nats-io/transport-node';
import { unless } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway, isWithoutRoom } from './away.ts';
import type { Broker } from './broker.ts';
import type { Leases } from './lease.ts';
import { PROJECTOR, WORKER } from './names.ts';
import { readMark, writeMark } from './settled-mark.ts';
import { whileHeld } from './while-held.ts';
import { isTrusted, markFor, settledUpTo } from './worker-state.ts';

/**
 * Milliseconds after which what every consumer of a stream has acknowledged may be removed; a
 * restarted engine reads the journal's last minute.
 */
const SETTLED_STAY = 5 * 60_000;
const PASS = 30_000;
/** The same while there is little room: a queue's for as long as the orders and engines that look for what they have just stored. */
const TIGHT_STAY = 15_000;
const TIGHT_JOURNAL_STAY = 90_000;
const TIGHT_PASS = 5_000;

export interface JanitorOptions {
  readonly broker: Broker;
  /** Milliseconds for which settled messages are kept, and half of those for which a queue's are after they were stored. */
  readonly margin?: number | undefined;
  /** Whether the disk is nearly full, so that what is settled has to make room soon. */
  readonly isTight?: (() => boolean) | undefined;
  /** Called once for each stream from which nothing can be removed, as two passes found, with the reason; and again when that changes. */
  readonly onKept: (stream: string, why: string | undefined) => void;
  /**
   * Whether nothing will be stored in the queue's stream any more. Called when the stream is empty,
   * to remove it as well.
   */
  readonly isLeft?: (stream: string) => Promise<boolean>;
}

/** How far a stream was settled, and how much was stored in it, at a certain time. */
interface Seen {
  readonly created: string;
  readonly floor: number;
  readonly last: number;
  readonly at: number;
}

/** Milliseconds for which messages stay in a stream once they are settled, and after they were stored. */
interface Stay {
  readonly settled: number;
  readonly stored: number;
}

/**
 * nats-server, started again, knows the keys (`Nats-Msg-Id`) only of what a stream still contains: what a sender or a step
 * may repeat stays for `duplicateWindow`, up to twice the margin, and where there is little room for the margin. What
 * waited for longer than that goes as soon as it is settled and looked for by nobody. Records have no keys that return.
 */
function stayOf(
  { config }: StreamInfo,
  {
    isQueue,
    isTight,
    margin,
  }: Readonly<Record<'isQueue' | 'isTight', boolean>> & { readonly margin: number },
): Stay {
  if (!isQueue)
    return { settled: isTight ? Math.min(margin, TIGHT_JOURNAL_STAY) : margin, stored: 0 };
  const window = millis(config.duplicate_window);
  return isTight
    ? { settled: Math.min(margin, TIGHT_STAY), stored: Math.min(margin, window) }
    : { settled: margin, stored: Math.min(2 * margin, window) };
}

/** Tells of the streams from which nothing is removed what two passes found. */
function keptTeller(onKept: JanitorOptions['onKept']): JanitorOptions['onKept'] {
  const kept = new Map<string, string>();
  const doubts = new Map<string, string | undefined>();
  return (stream, why) => {
    // an engine that takes a line over makes its worker again: for a moment there is none
    const isSure = why === undefined || doubts.get(stream) === why;
    doubts.set(stream, why);
    if (!isSure || kept.get(stream) === why) return;
    if (why === undefined) kept.delete(stream);
    else kept.set(stream, why);
    onKept(stream, why);
  };
}

/** Up to where a stream was settled, and stored, long enough ago; undefined as long as nobody has looked for as long. */
interface Stayed {
  readonly settled: number | undefined;
  readonly stored: number | undefined;
}

/**
 * What has stayed long enough, as far as it was seen. A recreated stream counts from 1, so that older
 * observations do not apply to it.
 */
function settledHistory(): (stream: string, now: Seen, stay: Stay) => Stayed {
  const history = new Map<string, readonly Seen[]>();
  return (stream, now, stay) => {
    const seen = [...(history.get(stream) ?? []), now].filter(
      ({ created }) => created === now.created,
    );
    const before = (time: number): number => seen.findLastIndex(({ at }) => at <= now.at - time);
    const [settled, stored] = [before(stay.settled), before(stay.stored)];
    history.set(stream, seen.slice(Math.max(0, Math.min(settled, stored))));
    const floor = seen[settled]?.floor;
    return {
      // a consumer recreated further back needs everything from there
      settled: floor === undefined ? undefined : Math.min(floor, now.floor),
      stored: seen[stored]?.last,
    };
  };
}

/**
 * Up to which message a stream was stored longer ago than `age`, at most up to `end`: an engine that has just started has
 * not seen it. NATS has both times, and goes by the same clock when it is started and looks for the keys of its messages.
 */
async function storedBefore(
  { manager }: Broker,
  info: StreamInfo,
  { age, end }: { readonly age: number; readonly end: number },
): Promise<number> {
  const { config, state, ts } = info;
  const time = Date.parse(ts ?? '') - age;
  let [old, young] = [state.first_seq - 1, end + 1];
  while (young - old > 1) {
    const middle = Math.floor((old + young) / 2);
    const found = await manager.direct.getMessage(config.name, {
      seq: middle,
      next_by_subj: '>',
    });
    if (found !== null && found.seq < young && found.time.getTime() <= time) old = found.seq;
    else young = middle;
  }
  return old;
}

/**
 * One pass over the streams of the production: removes what has been settled for longer than the
 * margin.
 *
 * Only what the worker has settled and the projector has read can be removed. A queue without the
 * worker made by an engine, or a stream without a projector, keeps everything, regardless of other
 * consumers, since it is not known how much of it is settled.
 *
 * Where there is little room, on the disk or in a stream, what was stored a while ago goes seconds after it was settled:
 * services refuse messages for as long as it takes the room.
 *
 * @returns whether there is little room anywhere
 */
export function janitorPass(parts: JanitorOptions): () => Promise<boolean> {
  const { broker, margin = SETTLED_STAY, onKept, isLeft = async () => false } = parts;
  const { manager, names } = broker;
  const settledSince = settledHistory();
  const marks = new Map<string, number>();
  const tell = keptTeller(onKept);

  const mark = async (stream: string, created: string, upTo: number): Promise<void> => {
    // a consumer that forgot what it had settled must not undo what is known
    const before = marks.get(stream) ?? (await readMark(broker, stream));
    if (upTo <= before) return;
    await writeMark(broker, stream, { created, upTo });
    marks.set(stream, upTo);
  };

  const isTight = ({ state, config }: StreamInfo): boolean =>
    parts.isTight?.() === true || (config.max_bytes > 0 && state.bytes > config.max_bytes / 2);
  let tight = false;

  const tidy = async (stream: string): Promise<void> => {
    const info = await manager.streams.info(stream);
    const { created, state } = info;
    const isShort = isTight(info);
    if (isShort) tight = true;
    const stay = stayOf(info, { isQueue: names.isQueue(stream), isTight: isShort, margin });
    const found = await floorOf(broker, stream);
    tell(stream, found.why);
    // also where nothing is removed: a worker that has to be made again begins there
    if (found.worker !== undefined) {
      const noting = mark(stream, created, found.worker);
      // NATS is full: what goes now makes room for it
      await noting.catch(unlessFull);
    }
    if (found.lowest === undefined) return;
    const { last_seq: last } = state;
    const now = { created, floor: found.lowest, last, at: performance.now() };
    const { settled, stored } = settledSince(stream, now, stay);
    if (settled === undefined || (stored === undefined && !isShort)) return;
    const long = stored ?? (await storedBefore(broker, info, { age: stay.stored, end: settled }));
    const upTo = Math.min(settled, long);
    await removeUpTo(broker, stream, state, upTo);
    const isEmpty = names.isQueue(stream) && upTo >= state.last_seq;
    if (isEmpty && (await isLeft(stream))) await removeEmpty(broker, stream);
  };

  return async () => {
    const failed: unknown[] = [];
    tight = false;
    for await (const stream of manager.streams.names(names.everything)) {
      if (!names.isTold(stream)) continue;
      // a stream without a leader must not keep the others from being cleaned up
      await tidy(stream).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
    return tight;
  };
}

function unlessFull(error: unknown): void {
  if (!isWithoutRoom(error)) throw error;
}

/**
 * Runs the janitor on the one engine that holds its lease, over every stream that the trace is
 * built from, including queues of hosts that the production no longer has. Where NATS is so full that nobody can hold
 * it, each engine removes what is settled: it is the same for all of them, and otherwise nobody would send any more.
 */
export function startJanitor(parts: JanitorOptions, leases: Leases): { close(): Promise<void> } {
  const { margin = SETTLED_STAY } = parts;
  const stop = new AbortController();
  const makingRoom = janitorPass({
    broker: parts.broker,
    margin,
    isTight: () => true,
    // who holds the lease tells it
    onKept: () => undefined,
  });
  let making = Promise.resolve<unknown>(undefined);
  let isMaking = false;
  const makeRoom = async (): Promise<void> => {
    isMaking = true;
    await makingRoom().catch(unless(isAway, 'making room in NATS'));
    isMaking = false;
  };
  const ended = whileHeld(leases, 'janitor', {
    signal: stop.signal,
    // an engine that waits cleans nothing up, and nobody misses it, as long as another one does
    onWaiting: ({ isWithoutRoom: isFull = false }) => {
      if (isFull && !isMaking) making = makeRoom();
    },
    async run(held) {
      const pass = janitorPass(parts);
      while (!held.aborted) {
        // a server that is unreachable now may be back at the next pass
        const isTight = await pass().catch(unless(isAway, 'cleaning up the streams'));
        const next = isTight === true ? TIGHT_PASS : PASS;
        await pause(Math.min(next, margin + 100), held, { ref: false });
      }
      return 'clean';
    },
  });
  return {
    async close() {
      stop.abort();
      await Promise.all([ended, making]);
    },
  };
}

/**
 * Removes settled messages, and nothing that is stored meanwhile. nats-server (2.10 to 2.12) takes
 * `seq: 1` for everything, and a purge of all up to the last message takes along what is stored at
 * that moment: the last one is deleted by itself.
 */
async function removeUpTo(
  { manager }: Broker,
  stream: string,
  { messages, first_seq: first, last_seq: last }: StreamState,
  upTo: number,
): Promise<void> {
  if (messages === 0) return;
  const end = Math.min(upTo + 1, last);
  if (end > first) await manager.streams.purge(stream, { seq: end });
  if (upTo < last) return;
  try {
    await manager.streams.deleteMessage(stream, last, false);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** The server's code for a message that cannot be deleted, for whatever reason. */
const NOT_DELETED = 10_057;

/** Somebody has removed the message by itself. */
const isGone = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  error.code === NOT_DELETED &&
  error.message.includes('no message found');

async function removeEmpty({ manager }: Broker, stream: string): Promise<void> {
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) await manager.streams.delete(stream);
}

/** How far a stream has been processed. */
interface Floors {
  /** How far the engines have settled it, if it is a queue and this is known. */
  readonly worker?: number | undefined;
  /** How far every consumer has acknowledged; undefined if nothing may be removed. */
  readonly lowest?: number;
  /** Why nothing may be removed. */
  readonly why?: string;
}

async function floorOf(broker: Broker, stream: string): Promise<Floors> {
  const consumers: ConsumerInfo[] = [];
  for await (const info of broker.manager.consumers.list(stream)) consumers.push(info);
  const isQueue = broker.names.isQueue(stream);
  const worker = isQueue ? consumers.find(({ name }) => name === WORKER) : undefined;
  if (isQueue && worker === undefined) {
    return { why: `it has no consumer named ${WORKER}, so it is not known what is settled` };
  }
  if (worker !== undefined && !isTrusted(worker, await markFor(broker, worker))) {
    return { why: `its consumer named ${WORKER} was not made by an engine` };
  }
  const settled = worker && settledUpTo(worker);
  if (!consumers.some(({ name }) => name === PROJECTOR)) {
    const why = `it has no consumer named ${PROJECTOR}, so the trace may not have it yet`;
    return { worker: settled, why };
  }
  const floors = consumers.map((info) =>
    info === worker ? settledUpTo(info) : info.ack_floor.stream_seq,
  );
  return { worker: settled, lowest: Math.min(...floors) };
}
