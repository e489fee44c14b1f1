import type { JournalEntry } from '../message/record.ts';
import type { Broker } from './broker.ts';
import { decodeBatch } from './journal-batch.ts';
import { readStream } from './read-stream.ts';

/**
 * The outcomes of the last `span` milliseconds, oldest first. An engine reads them when it starts:
 * messages settled shortly before a crash may be delivered again and must not be sent again.
 */
export async function* outcomeTail(broker: Broker, span: number): AsyncGenerator<JournalEntry> {
  const { stream } = broker.names.outcomes;
  const { state } = await broker.manager.streams.info(stream);
  if (state.messages === 0) return;
  const from = new Date(Date.parse(state.last_ts) - span);
  for await (const { data } of readStream(broker, stream, { from, until: state.last_seq })) {
    yield* decodeBatch(data);
  }
}
