import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { isAway } from '../../broker/away.ts';
import type { Broker } from '../../broker/broker.ts';
import { makeStream } from '../../broker/make-stream.ts';
import { unless } from '../../error/foreseen.ts';
import type { Logger } from '../../log/logger.ts';
import { joinedRecords, type LiveRecord, NOTHING_LIVE } from './live-record.ts';

/**
 * The stream of live events for consoles. The operator plane that has written a batch to the trace
 * publishes it here, so that a console on any node gets it, and never before the trace shows it.
 * The stream is in memory: it costs no disk, and clients that fall too far behind read everything
 * again.
 */
export interface LiveStream {
  /** Publishes it soon and in order, several together if they arrive faster than they can be stored. */
  tell(record: Partial<LiveRecord>): void;
  /** The stream's position and epoch; makes the stream again if it is gone. */
  position(): Promise<LivePosition>;
  close(): Promise<void>;
}

export interface LivePosition {
  readonly first: number;
  readonly last: number;
  /** Changes whenever the stream is made again: sequences of another epoch mean nothing. */
  readonly epoch: string;
}

const KEPT = 20_000;
const KEPT_BYTES = 16 * 1024 * 1024;
const KEPT_FOR = 60 * 60_000;

export async function liveStream(broker: Broker, log: Logger): Promise<LiveStream> {
  await ensure(broker);
  let waiting: LiveRecord | undefined;
  let telling: Promise<void> | undefined;
  let missed = false;
  const tellAll = async (): Promise<void> => {
    while (waiting !== undefined) {
      const record = missed ? { ...waiting, missed } : waiting;
      waiting = undefined;
      try {
        await broker.jetstream.publish(broker.names.live.subject, JSON.stringify(record));
        missed = false;
      } catch (error) {
        missed = true;
        log.debug({ event: 'live-untold', err: error }, 'live-untold');
        await ensure(broker).catch(unless(isAway, 'making the live stream'));
      }
    }
    // at once: what is published before a later turn would otherwise be lost
    telling = undefined;
  };
  return {
    tell(record) {
      waiting = joinedRecords(waiting ?? NOTHING_LIVE, { ...NOTHING_LIVE, ...record });
      telling ??= tellAll();
    },
    async position() {
      const { manager, names } = broker;
      const read = () => manager.streams.info(names.live.stream);
      const { state, created } = await read().catch(async () => {
        await ensure(broker);
        return read();
      });
      return {
        first: state.first_seq,
        last: state.last_seq,
        epoch: Date.parse(created).toString(36),
      };
    },
    async close() {
      await telling;
    },
  };
}

async function ensure({ manager, names, replicas }: Broker): Promise<void> {
  await makeStream(manager, {
    name: names.live.stream,
    subjects: [names.live.subject],
    storage: StorageType.Memory,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_msgs: KEPT,
    max_bytes: KEPT_BYTES,
    max_age: nanos(KEPT_FOR),
    num_replicas: replicas,
    allow_direct: true,
  });
}
