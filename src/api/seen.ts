import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/rights/require-permission.ts';
import { isWaiting } from '../operator/abort.ts';
import type { TracedMessage } from '../trace/traced-message.ts';
import { ApiError } from '../web/api-error.ts';
import type { ApiContext } from './context.ts';
import type { Seen } from './contract/message.ts';
import { orderName } from './order-name.ts';

/**
 * Throws CONFLICT if a message is no longer as its caller saw it: somebody else has acted on it, or it has ended. Who
 * decides to send something once more must not do so because they do not know that it was sent meanwhile.
 */
export async function checkSeen(
  { trace }: ApiContext,
  request: FastifyRequest,
  message: TracedMessage,
  seen: Seen | undefined,
): Promise<void> {
  if (seen === undefined) return;
  const { id, status } = message;
  const { visibleHosts: visible } = principalOf(request);
  const { items } = await trace.find({ resendOf: id, visible, limit: 1 });
  const latest = items[0]?.id ?? 0;
  if (latest > (seen.resent ?? 0)) {
    throw new ApiError(
      409,
      'CONFLICT',
      `message ${id} has been sent again as ${latest} meanwhile: look at that one, then decide whether it is needed once more`,
    );
  }
  if (status !== seen.status && !(isWaiting(message) && isWaiting(seen))) {
    throw new ApiError(
      409,
      'CONFLICT',
      `message ${id} is ${status} by now, no longer ${seen.status}: look at it, then decide again`,
    );
  }
}

/** Names what somebody knew of a message who wants it to be sent once more; undefined if they did not say. */
export const knowingOf = (id: number, seen: Seen | undefined): string | undefined =>
  seen && `${id}-${seen.resent ?? 0}`;

/** The order of somebody who said what they knew is that of all who knew the same and want the same. */
export function orderOf(
  request: FastifyRequest,
  content: readonly (string | number | Uint8Array | undefined)[],
  seen: Seen | undefined,
): string | undefined {
  return orderName(request, content, seen && `${seen.resent ?? 0}`);
}
