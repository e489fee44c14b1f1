import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type ConsumerMessages,
  type ConsumerUpdateConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import type { Broker } from './broker.ts';
import { isLeaderless, removeLeaderless } from './leaderless.ts';
import { makeStream } from './make-stream.ts';
import { PROJECTOR, WORKER } from './names.ts';
import { patiently } from './patiently.ts';
import { forgetMarkOfAnother, readMark, writeMark } from './settled-mark.ts';
import {
  hasForgotten,
  hasStateOfAnother,
  isSound,
  isTrusted,
  markFor,
  settledUpTo,
} from './worker-state.ts';

export interface StreamSettings {
  /** Milliseconds in which messages with the same Nats-Msg-Id are stored only once. */
  readonly duplicateWindow: number;
  /** The most bytes in one stream. */
  readonly limit: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How long the server waits for a sign of life from the engine that took a message. */
export const ACKNOWLEDGE_WAIT = 10_000;

/**
 * How messages are pulled continuously. An idle consumer hears from the server every two seconds;
 * after two missed heartbeats, or after a reconnect, it asks again: in a cluster its leader may be
 * gone. `bind` lets it ask at once; otherwise the client first checks whether the consumer exists,
 * and while a cluster is still electing a leader it checks again only half a minute later. A consumer
 * that somebody removes ends at once; otherwise it would be asked for messages for ever.
 */
export const STEADILY = {
  idle_heartbeat: 2_000,
  bind: true,
  abort_on_missing_resource: true,
} as const;

/** The server tells of a consumer that is removed only those who ask at that moment; whoever asks later would ask for ever. */
export async function endIfNobodyAnswers(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (type === 'no_responders') messages.stop();
}

/**
 * Creates or updates a stream: file storage, `limits` retention, no age. Neither `workqueue` nor
 * `interest` retention is used: they sync every removal, and delivered messages could not be
 * replayed.
 */
export async function ensureStream(
  { manager, replicas }: Pick<Broker, 'manager' | 'replicas'>,
  name: string,
  subjects: readonly string[],
  { duplicateWindow, limit, metadata }: StreamSettings,
): Promise<void> {
  await makeStream(manager, {
    name,
    subjects: [...subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limit,
    num_replicas: replicas,
    duplicate_window: nanos(duplicateWindow),
    allow_direct: true,
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
  });
}

/**
 * The consumer through which the engines share a queue. `pool` is enforced by the server: 1 is
 * strict FIFO, also over several engines. It is created before the first message is stored, since a
 * queue without it would count as empty. If it is gone, was replaced by others, or forgot its
 * state, it is recreated where the queue is known to be settled. What the previous one settled
 * after that is not known; the new one records how far that goes, for every engine that works on
 * the queue later.
 *
 * @returns the last message that may have been sent before, although it is delivered; 0 if there is
 * none
 */
export async function ensureWorker(broker: Broker, stream: string, pool: number): Promise<number> {
  const { manager } = broker;
  const wanted = { durable_name: WORKER, ...working(pool) };
  return againIfOthersAct(`the consumer ${WORKER} of ${stream}`, async (isFirst) => {
    // read before the consumer: others may work on the queue meanwhile
    const mark = await readMark(broker, stream);
    const info = await ledWorker(broker, stream);
    if (info !== undefined && isSound(info, mark)) {
      const isThere = await updateConsumer(manager, stream, wanted);
      return isThere ? doubtOf(info) : undefined;
    }
    // whoever takes the line over recreates it, and knows more about it than the mark says
    if (info === undefined && mark > 0 && isFirst) return undefined;
    if (info !== undefined) await removeConsumer(manager, stream, WORKER);
    await forgetMarkOfAnother(broker, stream);
    const doubt = await lastSequence(broker, stream);
    const added = { ...beginningAt(mark + 1), ...wanted, ...doubting(doubt) };
    return (await addConsumer(manager, stream, added)) ? doubt : undefined;
  });
}

/**
 * Notes for every engine that works on the queue later that what was delivered and is not settled
 * may have been sent: it was cut off.
 */
export async function doubtDelivered(broker: Broker, stream: string): Promise<void> {
  const info = await workerInfo(broker, stream);
  if (info === undefined || info.num_ack_pending === 0) return;
  const upTo = Math.max(doubtOf(info), info.delivered.stream_seq);
  await updateConsumer(broker.manager, stream, { durable_name: WORKER, ...doubting(upTo) });
}

/** Where a worker stores the last message that the previous one may have processed. */
const DOUBT = 'waybill-doubt';

/** What a recreated worker is told about the previous one: see `ensureWorker`. */
export const doubting = (upTo: number): { metadata: Record<string, string> } => ({
  metadata: { [DOUBT]: `${upTo}` },
});

function doubtOf(info: ConsumerInfo): number {
  const upTo = Number(info.config.metadata?.[DOUBT] ?? 0);
  return upTo > settledUpTo(info) ? upTo : 0;
}

/** How a queue's messages are delivered. */
const working = (pool: number) => ({
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACKNOWLEDGE_WAIT),
  max_ack_pending: pool,
  max_deliver: -1,
});

/** How many messages the engine that works on a strict line reads ahead. */
export const READ_AHEAD = 64;

/**
 * Takes over a strict line for this engine, which holds its lease: what the previous engine had
 * taken and not acknowledged is delivered again, from the acknowledge floor on and in order,
 * instead of after the acknowledge wait. What was settled above the floor is known from the
 * outcomes and not sent again.
 *
 * Without reading ahead (`max_ack_pending: 1`, no lease) each message costs a round trip to the
 * server between two sends: 180 instead of over 1,000 messages/s on a busy machine.
 *
 * @param signal aborts with the lease: from then on the line belongs to another engine, and nothing
 * more is changed
 */
export async function takeOverLine(
  broker: Broker,
  stream: string,
  signal?: AbortSignal,
): Promise<TakenOver> {
  const doubt = await reclaimWorker(broker, stream, READ_AHEAD, { signal });
  const [until, info] = await Promise.all([
    lastSequence(broker, stream),
    workerInfo(broker, stream),
  ]);
  return { until, waits: info === undefined || settledUpTo(info) < until, doubt };
}

/** A strict line taken over by this engine. */
export interface TakenOver {
  /** The sequence of the last message in its stream. */
  readonly until: number;
  /**
   * Whether the server has something to deliver. Also of an engine that ended in order this may
   * have been settled: a server that was killed forgets acknowledgements.
   */
  readonly waits: boolean;
  /** See `ensureWorker`. */
  readonly doubt: number;
}

/** The sequence of the last message in a stream; 0 if it never had one. */
export async function lastSequence({ manager }: Broker, stream: string): Promise<number> {
  const { state } = await manager.streams.info(stream);
  return state.last_seq;
}

/**
 * Recreates a queue's consumer at its acknowledge floor, so that what a killed engine had taken is
 * delivered at once. Only when no other engine works on the queue. A crash between removing and
 * creating it loses nothing: the mark says where it begins.
 *
 * @param wasSent everything that was delivered may have been sent: each engine that shares the queue
 * learns it
 * @returns see `ensureWorker`
 */
export async function reclaimWorker(
  broker: Broker,
  stream: string,
  pool: number,
  {
    wasSent = false,
    signal,
  }: { readonly wasSent?: boolean; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const mark = await readMark(broker, stream);
  const info = await ledWorker(broker, stream);
  signal?.throwIfAborted();
  if (info === undefined || !isTrusted(info, mark) || hasForgotten(info, mark) || isAtRest(info))
    return ensureWorker(broker, stream, pool);
  const { manager } = broker;
  const { created } = await manager.streams.info(stream);
  const upTo = settledUpTo(info);
  const sent = wasSent ? info.delivered.stream_seq : 0;
  const doubt = Math.max(doubtOf(info), sent > upTo ? sent : 0);
  await writeMark(broker, stream, { created, upTo });
  signal?.throwIfAborted();
  await removeConsumer(manager, stream, WORKER);
  const wanted = { durable_name: WORKER, ...working(pool), ...doubting(doubt) };
  const isMade = await addConsumer(manager, stream, { ...beginningAt(upTo + 1), ...wanted });
  // another engine that found none has made one, perhaps from an older mark
  return isMade ? doubt : ensureWorker(broker, stream, pool);
}

/** Nothing that it delivered is open, so that there is nothing to deliver again. */
const isAtRest = (info: ConsumerInfo): boolean =>
  info.num_ack_pending === 0 && !hasStateOfAnother(info);

/** The server's err_code. */
const CONSUMER_NOT_FOUND = 10_014;

/** A queue's worker; undefined if it has none. */
export async function workerInfo(
  { manager }: Pick<Broker, 'manager'>,
  stream: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, WORKER);
  } catch (error) {
    if (isConsumerMissing(error)) return undefined;
    throw error;
  }
}

/** The same for callers that make it if it is missing: one that stays without a leader is removed. */
async function ledWorker(broker: Broker, stream: string): Promise<ConsumerInfo | undefined> {
  try {
    return await workerInfo(broker, stream);
  } catch (error) {
    if (isLeaderless(error) && (await removeLeaderless(broker, stream, WORKER))) return undefined;
    throw error;
  }
}

/** How far the engines have settled a queue; undefined if nobody knows. */
export async function settledFloor(broker: Broker, stream: string): Promise<number | undefined> {
  const info = await workerInfo(broker, stream);
  if (info === undefined || !isTrusted(info, await markFor(broker, info))) return undefined;
  return settledUpTo(info);
}

export const isConsumerMissing = (error: unknown): boolean => isApiError(error, CONSUMER_NOT_FOUND);

/** The projector's consumer: acknowledges in batches, so that what the store has not committed is delivered again. */
export async function ensureProjector({ manager }: Broker, stream: string): Promise<void> {
  const wanted = {
    ack_policy: AckPolicy.All,
    ack_wait: nanos(60_000),
    max_ack_pending: 5_000,
    max_deliver: -1,
  };
  const consumer = { durable_name: PROJECTOR, ...wanted };
  await againIfOthersAct(`the consumer ${PROJECTOR} of ${stream}`, async () => {
    if (await addConsumer(manager, stream, { ...beginningAt(1), ...consumer })) return true;
    return (await updateConsumer(manager, stream, consumer)) || undefined;
  });
}

/**
 * Restarts the projector's consumer after what it acknowledged, if anything was delivered beyond
 * that. Otherwise, after a killed projector or a lost connection, this would be delivered again
 * only after the acknowledge wait of a minute, and what was lost in transit would be covered by the
 * acknowledgement of what follows. Reading a message twice is harmless.
 *
 * @returns the sequence up to which everything is acknowledged
 */
export async function reclaimProjector({ manager }: Broker, stream: string): Promise<number> {
  const { ack_floor, delivered, num_ack_pending, config } = await manager.consumers.info(
    stream,
    PROJECTOR,
  );
  const floor = Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
  if (num_ack_pending === 0 && delivered.stream_seq <= floor) return floor;
  await replaceProjector(manager, stream, {
    ...config,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: floor + 1,
  });
  return floor;
}

/** Engines that start meanwhile make one too if they find none. */
async function replaceProjector(
  manager: Broker['manager'],
  stream: string,
  config: ConsumerInfo['config'],
): Promise<void> {
  await againIfOthersAct(`the consumer ${PROJECTOR} of ${stream}`, async () => {
    await removeConsumer(manager, stream, PROJECTOR);
    return (
      (await addConsumer(manager, stream, { ...config, durable_name: PROJECTOR })) || undefined
    );
  });
}

/** Restarts the projector's consumer at the beginning of the stream. */
export async function rewindProjector({ manager }: Broker, stream: string): Promise<void> {
  const { config } = await manager.consumers.info(stream, PROJECTOR);
  const { opt_start_seq: _, ...rest } = config;
  await replaceProjector(manager, stream, { ...rest, deliver_policy: DeliverPolicy.All });
}

/** The first sequence from there on that the stream contains; undefined if there is none. */
export async function nextExisting(
  { manager }: Broker,
  stream: string,
  from: number,
): Promise<number | undefined> {
  const next = await manager.direct.getMessage(stream, { seq: from, next_by_subj: '>' });
  return next?.seq;
}

type Consumer = ConsumerUpdateConfig & { readonly durable_name: string };

/** The settings of a consumer that begins at a sequence. */
const beginningAt = (sequence: number): Partial<ConsumerConfig> =>
  sequence > 1
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence }
    : { deliver_policy: DeliverPolicy.All };

type Wanted = Partial<ConsumerConfig> & { readonly durable_name: string };

/** @returns false if there is one with other settings */
async function addConsumer(
  manager: Broker['manager'],
  stream: string,
  wanted: Wanted,
): Promise<boolean> {
  try {
    return await addPatiently(manager, stream, wanted);
  } catch (error) {
    // there is one that nobody leads
    const isStuck = isEngineError(error) && isLeaderless(error.cause);
    if (!isStuck || !(await removeLeaderless({ manager }, stream, wanted.durable_name)))
      throw error;
  }
  return addPatiently(manager, stream, wanted);
}

function addPatiently(
  manager: Broker['manager'],
  stream: string,
  wanted: Wanted,
): Promise<boolean> {
  return patiently(`the consumer ${wanted.durable_name} of ${stream}`, async () => {
    try {
      await manager.consumers.add(stream, wanted);
      return true;
    } catch (error) {
      if (isApiError(error, CONSUMER_EXISTS)) return false;
      throw error;
    }
  });
}

/** @returns false if there is none */
function updateConsumer(
  manager: Broker['manager'],
  stream: string,
  { durable_name, ...changes }: Consumer,
): Promise<boolean> {
  return patiently(`the consumer ${durable_name} of ${stream}`, async () => {
    try {
      await manager.consumers.update(stream, durable_name, changes);
      return true;
    } catch (error) {
      if (isConsumerMissing(error) || isApiError(error, ...GONE_BEFORE_UPDATE)) return false;
      throw error;
    }
  });
}

/** Removes a consumer, if another engine has not done so already. */
async function removeConsumer(
  manager: Broker['manager'],
  stream: string,
  name: string,
): Promise<void> {
  try {
    await manager.consumers.delete(stream, name);
  } catch (error) {
    if (!isConsumerMissing(error)) throw error;
  }
}

/** The server's code for a consumer of that name with other settings. */
const CONSUMER_EXISTS = 10_148;
/** Of an update: there is none; or, since the client reads it first, another one that begins elsewhere. */
const GONE_BEFORE_UPDATE = [10_149, 10_012];

const isApiError = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

/** How often a step is begun again because another engine changed the same thing meanwhile. */
const TRIES = 20;
/** Milliseconds that it has to finish. */
const TURN = 250;

/**
 * Engines that start or take over a line at the same time create, change and remove the same
 * consumers. A step that finds that another one was faster looks at everything again.
 *
 * @param step undefined if another engine was faster
 */
async function againIfOthersAct<Result>(
  what: string,
  step: (isFirst: boolean) => Promise<Result | undefined>,
): Promise<Result> {
  for (let tries = 0; tries < TRIES; tries++) {
    const result = await step(tries === 0);
    if (result !== undefined) return result;
    await sleep(TURN);
  }
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `NATS did not make ${what}: others change it all the time`,
    { retryable: true },
  );
}
