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
  { manager, jetstream }: Broker,
  stream: string,
  { id, from = 1, subject }: Sought,
): Promise<number | undefined> {
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0 || state.last_seq < from) return undefined;
  const consumer = await jetstream.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(from, state.first_seq),
    headers_only: true,
    ...(subject === undefined ? {} : { filter_subjects: [subject] }),
  });
  const { num_pending: count } = await consumer.info();
  if (count === 0) return undefined;
  const messages = await consumer.consume({ max_messages: 500 });
  let seen = 0;
  let found: number | undefined;
  for await (const message of messages) {
    seen++;
    if (Number(message.headers?.get('Wb-Id')) === id) found = message.seq;
    if (found !== undefined || seen >= count) break;
  }
  await messages.close();
  return found;
}
