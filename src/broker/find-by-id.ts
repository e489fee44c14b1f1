import { ENVELOPE_FIELDS } from '../message/envelope.ts';
import type { Broker } from './broker.ts';
import { readStream } from './read-stream.ts';

export interface Sought {
  readonly id: number;
  /** The first sequence to check. */
  readonly from?: number;
  /** Only messages of this subject. */
  readonly subject?: string;
}

/** The sequence of a message in a stream, by its id; reads the headers of the waiting messages, in order. */
export async function findById(
  broker: Broker,
  stream: string,
  { id, from = 1, subject }: Sought,
): Promise<number | undefined> {
  for await (const found of headersFrom(broker, stream, { from, subject })) {
    if (found.id === id) return found.sequence;
  }
  return undefined;
}

/** The ids of the messages in a stream from a sequence on. */
export async function idsFrom(broker: Broker, stream: string, from: number): Promise<Set<number>> {
  const ids = new Set<number>();
  for await (const { id } of headersFrom(broker, stream, { from })) ids.add(id);
  return ids;
}

/** A message of a stream, by its headers. */
export interface InStream {
  readonly id: number;
  readonly sessionId: number;
  readonly sequence: number;
  /** Its Nats-Msg-Id. */
  readonly key: string;
}

/** The messages in a stream from a sequence on, in order, without their bodies. */
export async function* headersFrom(
  broker: Broker,
  stream: string,
  { from, subject }: { readonly from: number; readonly subject?: string | undefined },
): AsyncGenerator<InStream> {
  const { state } = await broker.manager.streams.info(stream);
  if (state.messages === 0 || state.last_seq < from) return;
  const span = {
    from: Math.max(from, state.first_seq),
    until: state.last_seq,
    subject,
    headersOnly: true,
  };
  for await (const { seq: sequence, headers } of readStream(broker, stream, span)) {
    const { id, sessionId } = ENVELOPE_FIELDS;
    yield {
      id: Number(headers?.get(id.header)),
      sessionId: Number(headers?.get(sessionId.header)),
      sequence,
      key: headers?.get('Nats-Msg-Id') ?? '',
    };
  }
}
