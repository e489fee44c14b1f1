import { DeliverPolicy } from '@nats-io/jetstream';
import type { Broker } from '../broker/broker.ts';
import { PROJECTOR } from '../broker/names.ts';

/**
 * Lets the projector go on at once where an earlier one was killed or stopped in the middle of a batch:
 * the server would otherwise give it those messages again only after the acknowledge wait of a minute.
 * The consumer is made again behind its acknowledge floor; what is read twice changes nothing.
 */
export async function reclaimProjector(broker: Broker): Promise<void> {
  const { manager, names } = broker;
  for await (const stream of manager.streams.names(names.everything)) {
    if (names.isTold(stream)) await reclaimStream(broker, stream);
  }
}

async function reclaimStream({ manager }: Broker, stream: string): Promise<void> {
  const info = await manager.consumers.info(stream, PROJECTOR).catch(() => undefined);
  if (info === undefined || info.num_ack_pending === 0) return;
  await manager.consumers.delete(stream, PROJECTOR);
  await manager.consumers.add(stream, {
    ...info.config,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: info.ack_floor.stream_seq + 1,
  });
}
