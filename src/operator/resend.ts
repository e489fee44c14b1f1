import type { Broker } from '../broker/broker.ts';
import { askControl } from '../control/control.ts';
import type { ReplayOrder, ResendOrder, Resent } from '../control/orders.ts';
import { ENGINE } from '../control/verbs.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Envelope } from '../message/message.ts';
import { STATUSES } from '../message/status.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { TracedMessage } from '../trace/traced-message.ts';

/** Sends a traced message again as a new session linked to it, edited or as stored; see the engine's `resend`. */
export async function resendTraced(
  broker: Broker,
  reader: TraceReader,
  order: ResendOrder,
  edited?: Uint8Array,
): Promise<Resent> {
  const message = await reader.message(order.id);
  if (message === undefined) {
    throw new EngineError('NOT_FOUND', `there is no message ${order.id} in the trace`);
  }
  const stored = edited === undefined ? await reader.body(order.id) : undefined;
  if (edited === undefined && stored === undefined) {
    throw new EngineError(
      'NOT_FOUND',
      `the body of message ${order.id} is not in the trace: not yet, or no longer`,
    );
  }
  const sent = await askControl(
    broker,
    ENGINE.resend,
    {
      message: envelopeOf(message),
      to: order.to,
      bodyRef: stored?.bytes === undefined ? stored?.ref : undefined,
      suspended: message.status === 'suspended',
      by: order.by,
      reason: order.reason,
      order: order.order,
    },
    { body: edited ?? stored?.bytes ?? new Uint8Array(0) },
  );
  return { ...sent, of: order.id };
}

function envelopeOf(message: TracedMessage): Envelope {
  const {
    id,
    sessionId,
    source,
    target,
    type,
    created,
    received,
    size,
    charset,
    name,
    origin,
    priority,
    testBy,
  } = message;
  return {
    id,
    sessionId,
    source,
    target,
    type,
    created,
    received,
    size,
    charset,
    name,
    origin,
    priority,
    testBy,
  };
}

/** What nobody wanted, or a person discarded, is not sent again. */
const REPLAYED = STATUSES.filter((status) => status !== 'discarded');

/**
 * Sends every message of a time range at one host again, in order, one after another. The list is frozen page
 * by page before it is sent.
 */
export async function replay(
  broker: Broker,
  reader: TraceReader,
  { host, from, to, into, by }: ReplayOrder,
): Promise<readonly Resent[]> {
  const resent: Resent[] = [];
  let after: number | undefined;
  for (;;) {
    const { ids, more } = await reader.replayList({ host, from, to, after, status: REPLAYED });
    for (const id of ids) {
      resent.push(await resendTraced(broker, reader, { id, to: into, by, reason: 'replay' }));
    }
    after = ids.at(-1);
    if (!more || after === undefined) return resent;
  }
}
