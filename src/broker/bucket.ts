import { type KV, Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import type { Broker } from './broker.ts';
import { patiently } from './patiently.ts';

export interface BucketSettings {
  /** Milliseconds after which an entry goes; 0 means never. */
  readonly age?: number;
  /** Called when the bucket had another age, as one that an earlier version made. */
  readonly onOtherAge?: () => Promise<unknown>;
}

/**
 * Opens a bucket, or creates it, as soon as the server's cluster is ready. One that is there gets
 * this version's age, and as many copies as a stream that is created now: it may have been made
 * before one server became three.
 */
export function openBucket(
  { jetstream, manager, replicas }: Pick<Broker, 'jetstream' | 'manager' | 'replicas'>,
  name: string,
  { age = 0, onOtherAge }: BucketSettings = {},
): Promise<KV> {
  return patiently(name, async () => {
    const kv = await new Kvm(jetstream).create(name, { history: 1, ttl: age, replicas });
    const { config } = await manager.streams.info(`KV_${name}`);
    // while a server of the cluster is away it is not counted: its copies must not be given up for that
    const copies = Math.max(config.num_replicas, replicas);
    const max_age = nanos(age);
    if (config.num_replicas === copies && config.max_age === max_age) return kv;
    await manager.streams.update(`KV_${name}`, { max_age, num_replicas: copies });
    if (config.max_age !== max_age) await onOtherAge?.();
    return kv;
  });
}
