import type { Broker } from '../broker/broker.ts';
import { type QueueStream, queueStates } from '../broker/queue-survey.ts';
import { waitingCounts } from '../broker/waiting-count.ts';
import type { LeftQueue } from '../control/engine-report.ts';
import { leftQueue, leftText } from './left-queues.ts';
import type { Queued } from './queues.ts';

/** A host for which messages wait that were stored for another kind of host. */
export interface ChangedKind {
  /** What they were stored for. */
  readonly was: string;
  readonly left: LeftQueue;
  /** Why it is not started. */
  readonly why: string;
}

/** The hosts that would get, without anybody having asked for it, what was stored for another kind of host. */
export async function changedKinds(
  broker: Broker,
  hosts: readonly Queued[],
  streams: readonly QueueStream[],
): Promise<Map<string, ChangedKind>> {
  const changed = hosts.flatMap(({ name, kind }) => {
    const { kind: was } =
      streams.find((one) => one.host === name && (one.kind ?? kind) !== kind) ?? {};
    return was === undefined ? [] : { name, kind, was };
  });
  if (changed.length === 0) return new Map();
  const [states, waiting] = await Promise.all([queueStates(broker), waitingCounts(broker)]);
  return new Map(
    changed.flatMap(({ name, kind, was }): [string, ChangedKind][] => {
      const left = leftQueue(name, states.get(name), waiting.get(name)?.count);
      if (left === undefined) return [];
      const why = `${leftText(left)}, stored when it was another kind of host (${was}); the ${kind} would get them as they are, so it is not started. Start it if they are meant for it; otherwise give it another name in the files, or its earlier kind, and restart`;
      return [[name, { was, left: { ...left, becomes: kind }, why }]];
    }),
  );
}
