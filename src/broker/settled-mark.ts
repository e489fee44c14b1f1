import type { KV } from '@nats-io/kv';
import { isStreamMissing } from './away.ts';
import type { Broker } from './broker.ts';
import { openBucket } from './bucket.ts';

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
  const [mark, info] = await Promise.all([
    markOf(broker, stream),
    broker.manager.streams.info(stream),
  ]);
  const before = Number(info.config.metadata?.[RESTART] ?? 1) - 1;
  return mark?.created === info.created ? Math.max(before, mark.upTo) : before;
}

/**
 * Once a stream was made again nothing is known of it. Otherwise the mark of the one before would, if this one is
 * gone as well, be taken for its own (`lastMark`), and what was lost with it for settled.
 */
export async function forgetMarkOfAnother(broker: Broker, stream: string): Promise<void> {
  const mark = await markOf(broker, stream);
  if (mark === undefined) return;
  const { created } = await broker.manager.streams.info(stream);
  if (mark.created !== created) await writeMark(broker, stream, { created, upTo: 0 });
}

/** The same for a stream that does not exist; 0 if nothing is known about it. */
export async function lastMark(broker: Broker, stream: string): Promise<number> {
  return (await markOf(broker, stream))?.upTo ?? 0;
}

/**
 * Undefined if nothing is known, also because the bucket is gone. It is not made again here: who
 * keeps the streams tells of it, and compares them by these marks before.
 */
async function markOf(broker: Broker, stream: string): Promise<SettledMark | undefined> {
  const kv = await state(broker);
  try {
    const entry = await kv.get(keyOf(stream));
    return entry?.operation === 'PUT' ? entry.json<SettledMark>() : undefined;
  } catch (error) {
    if (await isGone(broker)) return undefined;
    throw error;
  }
}

async function isGone({ manager, names }: Broker): Promise<boolean> {
  try {
    await manager.streams.info(`KV_${names.state}`);
    return false;
  } catch (error) {
    if (isStreamMissing(error)) return true;
    throw error;
  }
}

/** Where an earlier version stored the message at which it had recreated a worker. */
const RESTART = 'waybill-restart';

export async function writeMark(broker: Broker, stream: string, mark: SettledMark): Promise<void> {
  await (await state(broker)).put(keyOf(stream), JSON.stringify(mark));
}

const opened = new WeakMap<Broker['jetstream'], Promise<KV>>();

function state(broker: Broker): Promise<KV> {
  const { jetstream, names } = broker;
  const before = opened.get(jetstream);
  if (before !== undefined) return before;
  const opening = openBucket(broker, names.state);
  opened.set(jetstream, opening);
  opening.catch(() => opened.delete(jetstream)); // the caller gets the error; the next call tries again
  return opening;
}
