import type { Broker } from '../broker/broker.ts';
import type { MissingRange } from '../broker/stream-reader.ts';
import type { Logger } from '../log/logger.ts';
import type { TraceStore } from '../trace/trace-store.ts';

/** Tells, in the log and in the event log, of messages that a stream lost before the trace had read them. */
export async function tellMissing(
  { broker, store, log }: { broker: Broker; store: Pick<TraceStore, 'apply'>; log: Logger },
  { stream, from, to }: MissingRange,
): Promise<void> {
  const event = 'messages-missing';
  const count = to - from + 1;
  const host = broker.names.queueOf(stream)?.host ?? '';
  log.error({ event, host, stream, from, to, count }, event);
  const what =
    host === '' ? `records of ${stream}` : `${count === 1 ? 'message' : 'messages'} for ${host}`;
  const text = `${count} ${what} (${from} to ${to}) were lost before the trace had read them: NATS does not hold them any more and nobody took them out, so its storage was damaged. Ask their senders to send again.`;
  await store.apply([
    {
      kind: 'entry',
      entry: { record: { kind: 'host', host, event, level: 'error', at: Date.now(), text } },
    },
  ]);
}
