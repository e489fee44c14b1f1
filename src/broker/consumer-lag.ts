import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { WORKER } from './names.ts';

/** How a queue stands. */
export interface QueueState {
  /** Messages not yet settled. */
  readonly depth: number;
  /** Being worked on, of those. */
  readonly inFlight: number;
  /** When the oldest unsettled message was stored; milliseconds since 1970; undefined when empty. */
  readonly oldest: number | undefined;
}

/** The state of one queue stream, from the server. */
export async function queueState({ manager }: Broker, stream: string): Promise<QueueState> {
  const info = await manager.consumers.info(stream, WORKER);
  const depth = info.num_pending + info.num_ack_pending;
  if (depth === 0) return { depth, inFlight: 0, oldest: undefined };
  // the next there is: one that a person ended is taken out of the stream
  const first = await manager.direct
    .getMessage(stream, { seq: info.ack_floor.stream_seq + 1, next_by_subj: '>' })
    // taken out of the stream in this moment
    .catch(unless(isAway, `looking at the head of ${stream}`));
  return {
    depth,
    inFlight: info.num_ack_pending,
    oldest: first === null || first === undefined ? undefined : first.time.getTime(),
  };
}
