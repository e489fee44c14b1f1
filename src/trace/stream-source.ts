import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { readEnvelope, splitPayload } from '../broker/envelope.ts';
import { decodeBatch } from '../broker/journal-batch.ts';
import { PROJECTOR } from '../broker/names.ts';
import { type ReaderOptions, streamReader } from '../broker/stream-reader.ts';
import { settledFloor } from '../broker/streams.ts';
import type { BodyHints } from '../document/document.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { bodyOf } from './batch.ts';
import { keyReader } from './key-reader.ts';
import type { ProjectorBatch, ProjectorSource } from './projector.ts';
import type { TraceInput } from './trace-input.ts';
import type { KeyReader, StreamFloor } from './trace-store.ts';
import type { StoredBody } from './traced-message.ts';

/** Messages that are read before others in this thread get their turn. */
const AT_ONCE = 200;

/** A source whose search fields may change while it is read. */
export interface StreamSource extends ProjectorSource {
  /** What is read from now on gets these search fields. Resolves once everything read before has been processed. */
  index(search: ReadonlyMap<string, string>): Promise<void>;
  /** Reads everything again that the streams still contain. */
  again(): void;
}

/** Reads the journal, the outcomes and all queues of a production as input of the trace, including search keys. */
export function streamSource(
  broker: Broker,
  search: ReadonlyMap<string, string>,
  options: Pick<ReaderOptions, 'onMissing'> = {},
): StreamSource {
  const reader = streamReader(broker, options);
  const large = bodies(broker);
  // reading a large body will then report the failure
  large.catch(toldElsewhere);
  let keys = keyReader(search, large);
  /** Set while a batch is being read or applied; resolved when the next one is requested. */
  let inHand: PromiseWithResolvers<void> | undefined;
  const done = (): void => {
    inHand?.resolve();
    inHand = undefined;
  };
  return {
    async next(): Promise<ProjectorBatch | undefined> {
      done();
      const batch = await reader.next();
      if (batch === undefined) return undefined;
      inHand = Promise.withResolvers();
      const inputs: TraceInput[] = [];
      for (const [n, message] of batch.messages.entries()) {
        if (n % AT_ONCE === AT_ONCE - 1) await yieldToOthers();
        for (const input of inputsOf(broker, message)) inputs.push(await withKeys(input, keys));
      }
      return { inputs, read: () => batch.read(), acknowledge: () => batch.acknowledge() };
    },
    async index(fields) {
      keys = keyReader(fields, large);
      await inHand?.promise;
    },
    lag: () => reader.lag(),
    again: () => reader.again(),
    floors: streamFloors(broker),
    async close() {
      done();
      await reader.close();
    },
  };
}

/** The inputs of the trace from a message of a stream. */
export function inputsOf({ names }: Broker, message: JsMsg): TraceInput[] {
  const { stream } = message.info;
  if (!names.isQueue(stream)) {
    return decodeBatch(message.data).map((entry) => ({ kind: 'entry', entry }));
  }
  const {
    bodyRef,
    accepted: _,
    woken: __,
    attached,
    ...envelope
  } = readEnvelope(message.headers ?? headers());
  const payload = splitPayload(message.data, attached);
  const body = bodyRef === undefined ? payload.body : undefined;
  const queue = { stream, sequence: message.seq };
  const legs = payload.entries === undefined ? [] : decodeBatch(payload.entries);
  return [
    ...legs.map((entry) => ({ kind: 'entry', entry }) as const),
    { kind: 'message', envelope, status: 'queued', body, bodyRef, queue },
  ];
}

/** With its search keys. */
export async function withKeys(input: TraceInput, keys: KeyReader): Promise<TraceInput> {
  const body = messageBody(input);
  return body === undefined ? input : { ...input, keys: await keys(body) };
}

/** The message's own body; replies are found through the message they answer. */
function messageBody(input: TraceInput): StoredBody | undefined {
  const reading = readingOf(input);
  const body = bodyOf(input);
  if (reading === undefined || body === undefined) return undefined;
  const { type, charset } = reading;
  return 'bytes' in body
    ? { type, charset, size: body.bytes.byteLength, bytes: body.bytes }
    : { type, charset, ...body };
}

function readingOf(input: TraceInput): BodyHints | undefined {
  if (input.kind === 'message') return input.envelope;
  const { record } = input.entry;
  return record.kind === 'leg' ? record.message : undefined;
}

interface Look {
  readonly floors: readonly StreamFloor[];
  /** The last outcomes that had been stored at the next check. */
  outcomes?: number;
}

/**
 * Checks how far the workers have acknowledged each queue, and passes that on only once the
 * projector has acknowledged all outcomes that had been stored at the next check. A completed
 * message is acknowledged while its outcome is being stored, so a message that has no outcome by
 * then lost it in a crash.
 */
function streamFloors(broker: Broker): () => Promise<readonly StreamFloor[] | undefined> {
  let look: Look | undefined;
  return async () => {
    if (look === undefined) {
      look = { floors: await readFloors(broker) };
      return undefined;
    }
    const { outcomes } = broker.names;
    look.outcomes ??= (await broker.manager.streams.info(outcomes.stream)).state.last_seq;
    const projector = await broker.manager.consumers.info(outcomes.stream, PROJECTOR);
    if (projector.ack_floor.stream_seq < look.outcomes) return undefined;
    const { floors } = look;
    look = undefined;
    return floors;
  };
}

async function readFloors(broker: Broker): Promise<StreamFloor[]> {
  const { manager, names } = broker;
  const floors: StreamFloor[] = [];
  for await (const stream of manager.streams.names(names.everything)) {
    if (!names.isQueue(stream)) continue;
    // an unknown queue completes nothing
    const floor = await settledFloor(broker, stream);
    if (floor !== undefined && floor > 0) floors.push({ stream, floor });
  }
  return floors;
}
