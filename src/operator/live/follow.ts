import { isAway } from '../../broker/away.ts';
import type { Broker } from '../../broker/broker.ts';
import { followStream } from '../../broker/read-stream.ts';
import { tolerate } from '../../error/foreseen.ts';
import type { LiveRecord } from './live-record.ts';

/**
 * Gives every record of the live stream from a sequence on, in order, until the signal aborts. `lost` is called
 * if it ends by itself: the stream lies in memory, and what follows a server's death has other sequences.
 */
export async function followLive(
  broker: Broker,
  from: number,
  {
    take,
    lost,
    signal,
  }: {
    readonly take: (record: LiveRecord, sequence: number) => void;
    readonly lost: () => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { stream } = broker.names.live;
  try {
    for await (const message of followStream(broker, stream, { from, signal })) {
      take(message.json<LiveRecord>(), message.seq);
    }
  } catch (error) {
    tolerate(error, isAway, 'following the live stream');
    lost();
  }
}
