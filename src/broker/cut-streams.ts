import { type ConsumerInfo, DeliverPolicy, JetStreamApiError } from '@nats-io/jetstream';
import { isStreamMissing } from './away.ts';
import type { Broker } from './broker.ts';
import { PROJECTOR, WORKER } from './names.ts';
import { lastMark, readMark, writeMark } from './settled-mark.ts';
import { doubting, lastSequence } from './streams.ts';
import { hasForgotten, hasStateOfAnother, settledUpTo } from './worker-state.ts';

/** A stream that ends before what it had acknowledged: its newest messages are lost. */
export interface CutStream {
  readonly stream: string;
  /** The host whose queue it is; undefined for other streams. */
  readonly host: string | undefined;
  readonly from: number;
  readonly to: number;
  /** The whole stream is gone. */
  readonly isGone?: true;
}

/**
 * Compares the streams with how far they were known to reach. A server that lost power, or found a
 * damaged block in its storage, comes back with less and reuses the sequences of what was lost. Its
 * consumers do not notice: their positions are beyond the end and they skip everything up to there.
 * So these consumers are recreated at the end. Others may store and take meanwhile, so the known
 * marks are read before the streams, and any mark beyond the end of a listed stream is compared
 * with its end once more.
 */
export async function findCutStreams(
  broker: Broker,
  marks: ReadonlyMap<string, number>,
): Promise<CutStream[]> {
  const known = new Map(marks);
  const cut: CutStream[] = [];
  const found = new Set<string>();
  for await (const { config, state, created } of broker.manager.streams.list(
    broker.names.everything,
  )) {
    const stream = config.name;
    found.add(stream);
    const consumers = broker.names.isTold(stream)
      ? await reset(broker, stream, { created, end: state.last_seq })
      : state.last_seq;
    const to = Math.max(known.get(stream) ?? 0, consumers);
    if (to <= state.last_seq) continue;
    const host = broker.names.queueOf(stream)?.host;
    cut.push({ stream, host, from: state.last_seq + 1, to });
  }
  cut.push(...(await cutState(broker, known)));
  const gone = [...known].filter(([stream, to]) => to > 0 && !found.has(stream));
  for (const [stream, to] of gone) {
    if (!broker.names.isOwn(stream)) continue;
    const host = broker.names.queueOf(stream)?.host;
    // the janitor removes the stream of an abandoned queue once it is settled
    const from = host === undefined ? 1 : (await lastMark(broker, stream)) + 1;
    if (from <= to) cut.push({ stream, host, from, to, isGone: true });
  }
  return cut;
}

/** What is known of leases, and with it of what may have been sent, is of an earlier time. */
async function cutState(
  { manager, names }: Broker,
  known: ReadonlyMap<string, number>,
): Promise<CutStream[]> {
  const stream = `KV_${names.state}`;
  const to = known.get(stream) ?? 0;
  if (to === 0) return [];
  const end = await lastOrNone(manager, stream);
  const cut = { stream, host: undefined, to };
  if (end === undefined) return [{ ...cut, from: 1, isGone: true }];
  return end < to ? [{ ...cut, from: end + 1 }] : [];
}

async function lastOrNone(manager: Broker['manager'], stream: string): Promise<number | undefined> {
  try {
    return (await manager.streams.info(stream)).state.last_seq;
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Makes sure that no consumer is beyond the end of its stream and no worker before what is known to
 * be settled. Returns the furthest position found.
 */
async function reset(
  broker: Broker,
  stream: string,
  { created, end: listed }: { readonly created: string; readonly end: number },
): Promise<number> {
  let [furthest, end] = [listed, listed];
  /** Whether a sequence that was read earlier is beyond the current end of the stream. */
  const isBeyond = async (sequence: number): Promise<boolean> => {
    if (sequence > end) end = await lastSequence(broker, stream);
    return sequence > end;
  };
  // a recreated worker begins at the mark
  const mark = broker.names.isQueue(stream) ? await readMark(broker, stream) : 0;
  if (await isBeyond(mark)) {
    await writeMark(broker, stream, { created, upTo: end });
  }
  for (const name of [WORKER, PROJECTOR]) {
    const info = await consumerInfo(broker, stream, name);
    if (info === undefined) continue;
    const { delivered, config } = info;
    const settled = settledUpTo(info);
    const known = name === WORKER ? Math.min(mark, end) : 0;
    const at = Math.max(settled, delivered.stream_seq);
    const forgot = hasForgotten(info, known);
    const isOther = name === WORKER && hasStateOfAnother(info);
    if (!(await isBeyond(at)) && !forgot && !isOther) continue;
    furthest = Math.max(furthest, at);
    const start = Math.max(known, Math.min(settled, end)) + 1;
    // a crash in between loses nothing
    if (name === WORKER) await writeMark(broker, stream, { created, upTo: start - 1 });
    await broker.manager.consumers.delete(stream, name);
    await broker.manager.consumers.add(stream, {
      ...config,
      ...(forgot ? doubting(end) : {}),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: start,
    });
  }
  return furthest;
}

/** The server's err_code. */
const CONSUMER_NOT_FOUND = 10_014;

async function consumerInfo(
  { manager }: Broker,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}
