import { DeliverPolicy } from '@nats-io/jetstream';
import type { Broker } from './broker.ts';

export interface Sought {
  readonly id: number;
  /** The first sequence to look at. */
  readonly from?: number;
  /** Only messages of this subject. */
  readonly subject?: string;
}

/** The sequence of a message in a stream, by its id: reads the headers of what waits there, in order. */
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

/** The ids of what lies in a stream from a sequence on. */
export async function idsFrom(broker: Broker, stream: string, from: number): Promise<Set<number>> {
  const ids = new Set<number>();
  for await (const { id } of headersFrom(broker, stream, { from })) ids.add(id);
  return ids;
}

async function* headersFrom(
  { manager, jetstream }: Broker,
  stream: string,
  { from, subject }: { readonly from: number; readonly subject?: string | undefined },
): AsyncGenerator<{ readonly id: number; readonly sequence: number }> {
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0 || state.last_seq < from) return;
  const consumer = await jetstream.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(from, state.first_seq),
    headers_only: true,
    ...(subject === undefined ? {} : { filter_subjects: [subject] }),
  });
  const { num_pending: count } = await consumer.info();
  if (count === 0) return;
  const messages = await consumer.consume({ max_messages: 500 });
  try {
    let seen = 0;
    for await (const message of messages) {
      yield { id: Number(message.headers?.get('Wb-Id')), sequence: message.seq };
      if (++seen >= count) break;
    }
  } finally {
    await messages.close();
  }
}
