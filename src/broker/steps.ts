import { Kvm } from '@nats-io/kv';
import type { Broker } from './broker.ts';
import { patiently } from './patiently.ts';

/** What durable processes have done: one record a step, and the answers of their calls, kept for a while. */
export interface Steps {
  read(key: string): Promise<StepRecord | undefined>;
  write(key: string, record: StepRecord): Promise<void>;
  /** The subject on which an answer to a call is published so that it is stored, also while nobody waits. */
  answerAddress(key: string): string;
  /** The answer that is stored at such an address already, if there is one. */
  kept(address: string): Promise<Uint8Array | undefined>;
  /** The stored answer to a call, as soon as it is there; rejects when the signal aborts. */
  answer(key: string, signal: AbortSignal): Promise<StoredAnswer>;
}

export interface StepRecord {
  /** What the step was: on a replay another one in its place means that the process took another path. */
  readonly fingerprint: string;
  readonly at: number;
}

export interface StoredAnswer {
  readonly body: Uint8Array;
}

const KEEP = 7 * 86_400_000;

export async function steps({ jetstream, names, replicas }: Broker): Promise<Steps> {
  const kv = await patiently(names.steps, () =>
    new Kvm(jetstream).create(names.steps, { history: 1, ttl: KEEP, replicas }),
  );
  const prefix = `$KV.${names.steps}.`;
  return {
    async read(key) {
      const entry = await kv.get(key);
      return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<StepRecord>();
    },
    async write(key, record) {
      await kv.put(key, JSON.stringify(record));
    },
    answerAddress: (key) => prefix + key,
    async kept(address) {
      const entry = await kv.get(address.slice(prefix.length));
      return entry === null || entry.operation !== 'PUT' ? undefined : entry.value;
    },
    async answer(key, signal) {
      const watch = await kv.watch({ key });
      const stop = (): void => watch.stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const entry of watch) {
          if (entry.operation === 'PUT') return { body: entry.value };
        }
      } finally {
        signal.removeEventListener('abort', stop);
        watch.stop();
      }
      throw signal.reason;
    },
  };
}
