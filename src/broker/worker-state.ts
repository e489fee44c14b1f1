import { AckPolicy, type ConsumerInfo, DeliverPolicy } from '@nats-io/jetstream';
import type { Broker } from './broker.ts';
import { readMark } from './settled-mark.ts';

/** The mark for judging a consumer; one that begins with the stream needs none. */
export function markFor(broker: Broker, info: ConsumerInfo): Promise<number> | number {
  const all = info.config.deliver_policy === DeliverPolicy.All;
  return all ? 0 : readMark(broker, info.stream_name);
}

/**
 * Whether a queue's worker was made by an engine, so that its floor says what was settled. One that
 * begins above what is known to be settled, or needs no acknowledgement, would claim this for
 * messages that nobody processed.
 */
export function isTrusted({ config }: ConsumerInfo, mark: number): boolean {
  const begins =
    config.deliver_policy === DeliverPolicy.All ||
    (config.deliver_policy === DeliverPolicy.StartSequence &&
      (config.opt_start_seq ?? 1) <= mark + 1);
  const filtered = config.filter_subject !== undefined || config.filter_subjects !== undefined;
  const givesUp = (config.max_deliver ?? -1) > 0;
  return begins && !filtered && !givesUp && config.ack_policy === AckPolicy.Explicit;
}

/**
 * How far a worker has settled its queue. One that was created at a sequence reports 0 until its
 * first acknowledgement.
 */
export function settledUpTo({ ack_floor, config }: ConsumerInfo): number {
  return Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
}

/**
 * nats-server overwrites a consumer's state in place. A kill in between leaves it empty: the
 * consumer then begins where it was once created, and would deliver again what was settled long
 * ago.
 */
export const hasForgotten = (info: ConsumerInfo, mark: number): boolean => settledUpTo(info) < mark;

/**
 * A kill soon after a consumer was made again can bring back the state of the one that had its name
 * before: nats-server then delivers from there, as if for the first time, below where it begins.
 */
export const hasStateOfAnother = ({ delivered, config }: ConsumerInfo): boolean =>
  delivered.stream_seq < (config.opt_start_seq ?? 1) - 1;

/** Whether a worker may go on as it is. */
export const isSound = (info: ConsumerInfo, mark: number): boolean =>
  isTrusted(info, mark) && !hasForgotten(info, mark) && !hasStateOfAnother(info);
