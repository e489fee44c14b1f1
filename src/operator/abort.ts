import type { Aborted, AbortOrder } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { TracedMessage } from '../trace/traced-message.ts';
import type { Engines } from './engines.ts';

/** Ends a message that waits in a queue or is being retried. */
export async function abortTraced(
  engines: Pick<Engines, 'end'>,
  reader: Pick<TraceReader, 'message'>,
  { id, keep, by, reason }: AbortOrder,
): Promise<Aborted> {
  const message = await reader.message(id);
  if (message === undefined) {
    throw new EngineError('NOT_FOUND', `there is no message ${id} in the trace`);
  }
  if (!isWaiting(message)) {
    const { status, target } = message;
    throw new EngineError(
      'NOT_FOUND',
      `message ${id} does not wait for ${target}: it is ${status}`,
    );
  }
  const status = keep ? 'suspended' : 'discarded';
  await engines.end(message, { status, by, reason });
  return { id, target: message.target, status };
}

/** The same, and discards a message that is suspended: for those who may do both. */
export async function abortOrDiscard(
  engines: Pick<Engines, 'end' | 'discard'>,
  reader: Pick<TraceReader, 'message'>,
  order: AbortOrder,
): Promise<Aborted> {
  const { id, keep, by, reason } = order;
  const message = await reader.message(id);
  if (message?.status !== 'suspended' || keep) return abortTraced(engines, reader, order);
  await engines.discard(message, { by, reason });
  return { id, target: message.target, status: 'discarded' };
}

/** Whether it has no outcome yet. */
export const isWaiting = ({ status }: Pick<TracedMessage, 'status'>): boolean =>
  status === 'queued' || status === 'retrying';
