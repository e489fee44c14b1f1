import type { FastifyRequest } from 'fastify';
import { checkPermission, principalOf } from '../../access/rights/require-permission.ts';
import type { BodyHints } from '../../document/document.ts';
import { frontOf } from '../../message/body.ts';
import { isOpenTo, type StoredBody, type TracedMessage } from '../../trace/traced-message.ts';
import { ApiError } from '../../web/api-error.ts';
import { visibleMessage } from '../acting.ts';
import type { ApiContext } from '../context.ts';

export type BodyPart = 'message' | 'reply';

/** A body, or the requested part of it, as the caller may see it. */
export interface ShownBody {
  readonly message: TracedMessage;
  readonly bytes: Uint8Array;
  readonly reading: BodyHints;
  /** Of the whole body. */
  readonly size: number;
  readonly offset: number;
  readonly masked: boolean;
}

/** A body that is masked or parsed is held in memory completely, so this limits its size. */
export const WHOLE_LIMIT = 8 * 1024 * 1024;

export interface BodyRequest {
  readonly id: number;
  readonly part?: BodyPart | undefined;
  /** Bytes of the body; all of it if left out, up to `WHOLE_LIMIT`. */
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
}

/** Reads a body for a person: both its hosts must be visible, and those who may not see it unmasked get it masked. */
export async function shownBody(
  context: ApiContext,
  request: FastifyRequest,
  { id, part = 'message', offset = 0, limit }: BodyRequest,
): Promise<ShownBody> {
  const principal = principalOf(request);
  checkPermission(principal, 'message.content');
  const message = await visibleMessage(context, request, id);
  checkOpen(message, principal.visibleHosts);
  const stored = await context.trace.body(id, part);
  if (stored === undefined) {
    throw new ApiError(404, 'NOT_FOUND', `the ${part} body of ${id} is not in the trace`);
  }
  const { size, type, charset } = stored;
  const masked = !principal.unmasked;
  const reading: BodyHints = { type, charset };
  if ((masked || limit === undefined) && size > WHOLE_LIMIT) {
    throw new ApiError(413, 'MESSAGE_TOO_LARGE', `${size} bytes: request it page by page`);
  }
  const wanted = masked || limit === undefined ? size : offset + limit;
  const all = await bytesUpTo(context, stored, wanted);
  const shown = masked ? context.mask(all, reading) : all;
  const bytes = shown.subarray(offset, limit === undefined ? undefined : offset + limit);
  return { message, bytes, reading, size: masked ? shown.byteLength : size, offset, masked };
}

function checkOpen(message: TracedMessage, visible: readonly string[] | undefined): void {
  if (isOpenTo(message, visible)) return;
  throw new ApiError(403, 'FORBIDDEN', 'its content needs both its hosts to be visible to you');
}

/** At least so many bytes of a stored body from the front, or all of it. */
export async function bytesUpTo(
  { bodies }: ApiContext,
  { bytes, ref = '', size: whole }: StoredBody,
  wanted: number,
): Promise<Uint8Array> {
  if (bytes !== undefined) return bytes;
  return await frontOf(bodies.open(ref, whole), wanted);
}
