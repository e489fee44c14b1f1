import type { StreamInfo } from '@nats-io/jetstream';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { readMark } from './settled-mark.ts';
import { workerInfo } from './streams.ts';
import { isTrusted, markFor, settledUpTo } from './worker-state.ts';

/** The state of a queue. */
export interface QueueState {
  /** Messages not yet settled. */
  readonly depth: number;
  /** How many of them are being worked on. */
  readonly inFlight: number;
  /** When the oldest unsettled message was stored; milliseconds since 1970; undefined when empty. */
  readonly oldest: number | undefined;
}

/**
 * The state of one queue stream, from the server. Without the consumer made by an engine, every
 * message that is not known to be settled counts.
 */
export async function queueState(broker: Broker, stream: string): Promise<QueueState> {
  const found = await workerInfo(broker, stream);
  const isOurs = found !== undefined && isTrusted(found, await markFor(broker, found));
  const info = isOurs ? found : undefined;
  const settled = info === undefined ? await readMark(broker, stream) : settledUpTo(info);
  const inFlight = info?.num_ack_pending ?? 0;
  const depth =
    info === undefined ? await above(broker, stream, settled) : info.num_pending + inFlight;
  if (depth === 0) return { depth, inFlight: 0, oldest: undefined };
  // the next existing one: a message ended by a person is removed from the stream
  const first = await broker.manager.direct
    .getMessage(stream, { seq: settled + 1, next_by_subj: '>' })
    // it has just been removed from the stream
    .catch(unless(isAway, `looking at the head of ${stream}`));
  return { depth, inFlight, oldest: first?.time.getTime() };
}

/** How many messages the stream has above a sequence. */
async function above({ manager }: Broker, stream: string, settled: number): Promise<number> {
  const { state }: StreamInfo = await manager.streams.info(stream, { deleted_details: true });
  if (settled < state.first_seq) return state.messages;
  const removed = (state.deleted ?? []).filter((sequence) => sequence > settled).length;
  return Math.max(0, state.last_seq - settled - removed);
}
