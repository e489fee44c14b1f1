import type { JsMsg } from '@nats-io/jetstream';
import type { Broker } from '../broker/broker.ts';
import { PROJECTOR } from '../broker/names.ts';
import { readStream } from '../broker/read-stream.ts';
import { isConsumerMissing, workerInfo } from '../broker/streams.ts';
import { ENVELOPE_FIELDS } from '../message/envelope.ts';
import { pause } from '../time/pause.ts';
import type { TraceDifference } from './difference.ts';
import { inputsOf, withKeys } from './stream-source.ts';
import type { KeyReader, LostMessages, TraceStore } from './trace-store.ts';

export interface VerifyOptions {
  /** Make the trace match the streams. */
  readonly repair: boolean;
  readonly keys: KeyReader;
  /** Why nothing is written to the trace at the moment; undefined while it works. */
  readonly failing?: () => string | undefined;
  /** How long to wait for a trace that is behind, in milliseconds. */
  readonly patience?: number;
}

/** The result of comparing the trace with the streams. */
export interface VerifyReport {
  /** Messages of the streams that were read. */
  readonly read: number;
  /** Messages that the trace had not read yet, about which nothing is known. */
  readonly behind: number;
  /** Why it is behind, if its store fails. */
  readonly failing?: string | undefined;
  readonly missing: MessageIds;
  /** The trace has a different outcome from the streams. */
  readonly outcome: MessageIds;
  /** The trace lacks a part of what is in the streams. */
  readonly incomplete: MessageIds;
  /** According to the trace they wait in a queue, but they are not there. */
  readonly lost: MessageIds;
  /** Messages that are in a queue twice, although they are one step of one message. */
  readonly doubled: MessageIds;
  readonly repaired: boolean;
}

interface MessageIds {
  readonly count: number;
  /** At most `SHOWN`. */
  readonly ids: readonly number[];
}

const SHOWN = 100;
const AT_ONCE = 500;
const PATIENCE = 30_000;

/**
 * Compares the trace with everything that the streams still contain, and lets it catch up. What was
 * settled and removed from them is only in the trace, and is not checked.
 */
export async function verifyTrace(
  broker: Broker,
  store: Pick<TraceStore, 'differences' | 'apply' | 'openMessages' | 'settleLost'>,
  { repair, keys, patience = PATIENCE, failing }: VerifyOptions,
): Promise<VerifyReport> {
  const differences = new Map<string, Set<number>>();
  const note = (kind: string, id: number): void => {
    const ids = differences.get(kind) ?? new Set<number>();
    differences.set(kind, ids.add(id));
  };
  let read = 0;
  const ends = await untilRead(broker, patience);
  for (const [stream, { upTo }] of ends) {
    const steps = new Map<string, number>();
    for await (const messages of batches(broker, stream, upTo)) {
      read += messages.length;
      for (const message of messages) noteDoubled(message, steps, (id) => note('doubled', id));
      const inputs = messages.flatMap((message) => inputsOf(broker, message));
      const found = await store.differences(inputs);
      for (const { kind, id } of found) note(kind, id);
      if (repair && found.length > 0) {
        await store.apply(await Promise.all(inputs.map((input) => withKeys(input, keys))));
      }
    }
    for (const { id, place } of await lostFrom(broker, store, stream)) {
      note('lost', id);
      if (repair) await store.settleLost(place);
    }
  }
  const of = (kind: TraceDifference['kind'] | 'lost' | 'doubled'): MessageIds => {
    const ids = [...(differences.get(kind) ?? [])];
    return { count: ids.length, ids: ids.slice(0, SHOWN) };
  };
  const behind = [...ends.values()].reduce((sum, { last, upTo }) => sum + last - upTo, 0);
  return {
    read,
    behind,
    failing: behind > 0 ? failing?.() : undefined,
    missing: of('missing'),
    outcome: of('outcome'),
    incomplete: of('incomplete'),
    lost: of('lost'),
    doubled: of('doubled'),
    repaired: repair,
  };
}

interface End {
  readonly last: number;
  /** How far the trace has read of it. */
  readonly upTo: number;
}

/**
 * The current ends of the streams, once the trace has read that far; what it has not read within a
 * while is left out.
 */
async function untilRead({ manager, names }: Broker, patience: number): Promise<Map<string, End>> {
  const lasts = new Map<string, number>();
  for await (const { config, state } of manager.streams.list(names.everything)) {
    if (names.isTold(config.name) && state.messages > 0) lasts.set(config.name, state.last_seq);
  }
  const ends = new Map<string, End>();
  for (const until = performance.now() + patience; ; await pause(200)) {
    for (const [stream, last] of lasts) {
      const floor = await readUpTo(manager, stream);
      ends.set(stream, { last, upTo: Math.min(floor, last) });
    }
    const isRead = [...ends.values()].every(({ last, upTo }) => upTo >= last);
    if (isRead || performance.now() > until) return ends;
  }
}

/** How far the trace has read a stream: not at all while its consumer, which somebody removed, is made again. */
async function readUpTo(manager: Broker['manager'], stream: string): Promise<number> {
  try {
    const { ack_floor, config } = await manager.consumers.info(stream, PROJECTOR);
    return Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
  } catch (error) {
    if (isConsumerMissing(error)) return 0;
    throw error;
  }
}

async function* batches(broker: Broker, stream: string, upTo: number): AsyncGenerator<JsMsg[]> {
  const { state } = await broker.manager.streams.info(stream);
  if (state.messages === 0 || state.first_seq > upTo) return;
  let batch: JsMsg[] = [];
  for await (const message of readStream(broker, stream, { from: state.first_seq, until: upTo })) {
    batch.push(message);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function noteDoubled(
  { headers }: JsMsg,
  steps: Map<string, number>,
  note: (id: number) => void,
): void {
  const [step, id] = [
    headers?.get('Nats-Msg-Id') ?? '',
    Number(headers?.get(ENVELOPE_FIELDS.id.header) ?? 0),
  ];
  if (step === '' || id === 0) return;
  if ((steps.get(step) ?? id) !== id) note(id);
  steps.set(step, id);
}

/**
 * Messages that wait according to the trace, at positions of a queue that are empty and that its
 * worker has not passed.
 */
async function lostFrom(
  broker: Broker,
  store: Pick<TraceStore, 'openMessages'>,
  stream: string,
): Promise<{ readonly id: number; readonly place: LostMessages }[]> {
  const { manager } = broker;
  const host = broker.names.queueOf(stream)?.host;
  if (host === undefined) return [];
  const lost: { id: number; place: LostMessages }[] = [];
  for (let after = 0; ; ) {
    const worker = await workerInfo(broker, stream);
    // it is being made again, and nobody says what is settled
    if (worker === undefined) return [];
    const page = await store.openMessages(host, { after });
    for (const { id, queue } of page) {
      after = id;
      if (queue?.stream !== stream || queue.sequence <= worker.ack_floor.stream_seq) continue;
      const { sequence } = queue;
      if ((await manager.streams.getMessage(stream, { seq: sequence })) !== null) continue;
      const place = { stream, from: sequence, to: sequence, before: Number.MAX_SAFE_INTEGER };
      lost.push({ id, place });
    }
    if (page.length === 0) return lost;
  }
}
