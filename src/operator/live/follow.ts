import { DeliverPolicy } from '@nats-io/jetstream';
import type { Broker } from '../../broker/broker.ts';
import { STEADILY } from '../../broker/streams.ts';
import { background } from '../../error/background.ts';
import type { LiveRecord } from './live-record.ts';

/** Gives every record of the live stream from a sequence on, in order, until `close`. `lost` is called if it ends by itself. */
export async function followLive(
  { jetstream, names }: Broker,
  from: number,
  {
    take,
    lost,
  }: {
    readonly take: (record: LiveRecord, sequence: number) => void;
    readonly lost: () => void;
  },
): Promise<{ close(): Promise<void> }> {
  const consumer = await jetstream.consumers.get(names.live.stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  let closed = false;
  const messages = await consumer.consume({
    max_messages: 500,
    idle_heartbeat: STEADILY.idle_heartbeat,
    callback: (message) => take(message.json<LiveRecord>(), message.seq),
  });
  const ended = async (): Promise<void> => {
    await messages.closed();
    if (!closed) lost();
  };
  background(ended(), 'following the live stream');
  return {
    async close() {
      closed = true;
      await messages.close();
    },
  };
}
