import type { JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { type Bodies, bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { readEnvelope } from '../broker/envelope.ts';
import { decodeBatch } from '../broker/journal-batch.ts';
import { type StreamReader, streamReader } from '../broker/stream-reader.ts';
import type { Reading } from '../document/document.ts';
import { kindOf } from '../document/document-of.ts';
import type { JournalEntry } from '../message/record.ts';
import { type BodySource, bodyOf } from './batch.ts';
import type { ProjectorBatch, ProjectorSource } from './projector.ts';
import { reclaimProjector } from './reclaim.ts';
import { type SearchFields, searchFields } from './search-fields.ts';
import { streamFloors } from './stream-floors.ts';
import type { SearchKey, TraceInput } from './trace-input.ts';

/** A large body that is no HL7 is read whole for its search fields up to this many bytes. */
const LARGEST = 8 * 1024 * 1024;

/** Reads the journal, the outcomes and all queues of a production as what the trace is built from, search keys included. */
export function streamSource(broker: Broker, search: ReadonlyMap<string, string>): ProjectorSource {
  const opened = open(broker);
  const fields = searchFields(search);
  const large = bodies(broker);
  // whoever needs a large body meets the failure
  large.catch(() => undefined);
  return {
    async next(): Promise<ProjectorBatch | undefined> {
      const batch = await (await opened).next();
      if (batch === undefined) return undefined;
      const inputs: TraceInput[] = [];
      for (const input of batch.messages.flatMap((message) => inputsOf(broker, message))) {
        inputs.push({ ...input, keys: await keysOf(input, fields, large) });
      }
      return { inputs, acknowledge: () => batch.acknowledge() };
    },
    lag: async () => (await opened).lag(),
    floors: streamFloors(broker),
    close: async () => (await opened).close(),
  };
}

/** NATS may be away for the moment: the consumers are durable, and a late batch is better than none. */
async function open(broker: Broker): Promise<StreamReader> {
  await reclaimProjector(broker).catch(() => undefined);
  return streamReader(broker);
}

function inputsOf({ names }: Broker, message: JsMsg): TraceInput[] {
  const { stream } = message.info;
  if (!names.isQueue(stream)) {
    return decodeBatch(message.data).map((entry) => ({ kind: 'entry', entry }));
  }
  const { bodyRef, accepted: _, ...envelope } = readEnvelope(message.headers ?? headers());
  const body = bodyRef === undefined ? message.data : undefined;
  const queue = { stream, sequence: message.seq };
  return [{ kind: 'message', envelope, status: 'queued', body, bodyRef, queue }];
}

/** The keys of the message's own body; a reply is found by the message it answers. */
async function keysOf(
  input: TraceInput,
  fields: SearchFields,
  large: Promise<Bodies>,
): Promise<readonly SearchKey[]> {
  const reading = readingOf(input);
  const body = bodyOf(input);
  if (reading === undefined || body === undefined) return [];
  const bytes = 'bytes' in body ? body.bytes : await beginning(body, reading, large);
  return bytes === undefined ? [] : fields(bytes, reading);
}

function readingOf(input: TraceInput): Reading | undefined {
  return input.kind === 'message' ? input.envelope : readingOfEntry(input.entry);
}

function readingOfEntry({ record }: JournalEntry): Reading | undefined {
  return record.kind === 'leg' ? record.message : undefined;
}

/** What is needed of a large body: the first segments of HL7, in which the patient stands; else all of it. */
async function beginning(
  { ref, size }: Extract<BodySource, { ref: string }>,
  { type }: Reading,
  large: Promise<Bodies>,
): Promise<Uint8Array | undefined> {
  const hl7 = kindOf(type) === 'hl7';
  if (!hl7 && size > LARGEST) return undefined;
  try {
    const body = (await large).open(ref, size);
    if (!hl7) return await body.bytes();
    for await (const chunk of body.stream()) {
      return chunk.subarray(0, Buffer.from(chunk).lastIndexOf('\r') + 1);
    }
  } catch {
    // its search fields are not worth stopping the trace for
  }
  return undefined;
}
