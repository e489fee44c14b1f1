import { type KV, Kvm } from '@nats-io/kv';
import type { Broker } from './broker.ts';
import { patiently } from './patiently.ts';

/**
 * How far a queue is known to be settled. The consumer knows better, but if it has to be recreated
 * it begins here, so that nothing settled long ago is sent again.
 */
export interface SettledMark {
  /** When its stream was created: a recreated stream counts from 1. */
  readonly created: string;
  readonly upTo: number;
}

const keyOf = (stream: string): string => `settled.${stream}`;

/** The sequence up to which the stream is known to be settled; 0 if nothing is known about this stream. */
export async function readMark(broker: Broker, stream: string): Promise<number> {
  const [entry, info] = await Promise.all([
    state(broker).then((kv) => kv.get(keyOf(stream))),
    broker.manager.streams.info(stream),
  ]);
  const before = Number(info.config.metadata?.[RESTART] ?? 1) - 1;
  const mark = entry?.operation === 'PUT' ? entry.json<SettledMark>() : undefined;
  return mark?.created === info.created ? Math.max(before, mark.upTo) : before;
}

/** The same for a stream that does not exist; 0 if nothing is known about it. */
export async function lastMark(broker: Broker, stream: string): Promise<number> {
  // the bucket may be gone as well
  opened.delete(broker.jetstream);
  const entry = await (await state(broker)).get(keyOf(stream));
  return entry?.operation === 'PUT' ? entry.json<SettledMark>().upTo : 0;
}

/** Where an earlier version stored the message at which it had recreated a worker. */
const RESTART = 'waybill-restart';

export async function writeMark(broker: Broker, stream: string, mark: SettledMark): Promise<void> {
  await (await state(broker)).put(keyOf(stream), JSON.stringify(mark));
}

const opened = new WeakMap<Broker['jetstream'], Promise<KV>>();

function state({ jetstream, names, replicas }: Broker): Promise<KV> {
  const before = opened.get(jetstream);
  if (before !== undefined) return before;
  const opening = patiently(names.state, () =>
    new Kvm(jetstream).create(names.state, { history: 1, replicas }),
  );
  opened.set(jetstream, opening);
  opening.catch(() => opened.delete(jetstream)); // the caller gets the error; the next call tries again
  return opening;
}
