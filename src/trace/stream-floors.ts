import type { Broker } from '../broker/broker.ts';
import { PROJECTOR } from '../broker/names.ts';
import { settledFloor } from '../broker/streams.ts';
import type { StreamFloor } from './trace-store.ts';

interface Look {
  readonly floors: readonly StreamFloor[];
  /** The last outcomes that were stored one look later. */
  outcomes?: number;
}

/**
 * Looks how far the workers have acknowledged each queue, and hands that on only once the projector has
 * acknowledged all outcomes that were stored one look later. A completed message is acknowledged while
 * its outcome is being stored, so one without outcome after all that time has lost it in a crash.
 */
export function streamFloors(broker: Broker): () => Promise<readonly StreamFloor[] | undefined> {
  let look: Look | undefined;
  return async () => {
    if (look === undefined) {
      look = { floors: await readFloors(broker) };
      return undefined;
    }
    const { outcomes } = broker.names;
    look.outcomes ??= (await broker.manager.streams.info(outcomes.stream)).state.last_seq;
    const projector = await broker.manager.consumers.info(outcomes.stream, PROJECTOR);
    if (projector.ack_floor.stream_seq < look.outcomes) return undefined;
    const { floors } = look;
    look = undefined;
    return floors;
  };
}

async function readFloors(broker: Broker): Promise<StreamFloor[]> {
  const { manager, names } = broker;
  const floors: StreamFloor[] = [];
  for await (const stream of manager.streams.names(names.everything)) {
    if (!names.isQueue(stream)) continue;
    // a queue that nobody knows about completes nothing
    const floor = await settledFloor(broker, stream);
    if (floor !== undefined && floor > 0) floors.push({ stream, floor });
  }
  return floors;
}
