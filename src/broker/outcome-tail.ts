import { DeliverPolicy } from '@nats-io/jetstream';
import type { JournalEntry } from '../message/record.ts';
import type { Broker } from './broker.ts';
import { decodeBatch } from './journal-batch.ts';

/**
 * The outcomes of the last `span` milliseconds, oldest first. An engine reads them at its
 * start: what was settled shortly before a crash may be delivered again and must not be sent again.
 */
export async function* outcomeTail(
  { manager, jetstream, names }: Broker,
  span: number,
): AsyncGenerator<JournalEntry> {
  const { stream } = names.outcomes;
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) return;
  const since = new Date(Date.parse(state.last_ts) - span);
  const consumer = await jetstream.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: since.toISOString(),
  });
  const messages = await consumer.consume({ max_messages: 200 });
  for await (const message of messages) {
    yield* decodeBatch(message.data);
    if (message.seq >= state.last_seq) break;
  }
  await messages.close();
}
