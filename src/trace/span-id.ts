import { createHash } from 'node:crypto';
import type { Envelope } from '../message/message.ts';

/** The OpenTelemetry ids of a message; they are derived from its own id, so no table is needed. */

/** The sender's trace, or one derived from the production and the session. */
export function traceIdOf(
  production: string,
  { traceparent, sessionId }: Pick<Envelope, 'traceparent' | 'sessionId'>,
): string {
  return givenIds(traceparent)?.traceId ?? clusterId(production) + spanIdOf(sessionId);
}

export const spanIdOf = (id: number): string => id.toString(16).padStart(16, '0');

/** The ids in the sender's `traceparent`. */
export function givenIds(
  traceparent: string | undefined,
): { readonly traceId: string; readonly spanId: string } | undefined {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(traceparent ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

const clusters = new Map<string, string>();

function clusterId(production: string): string {
  const known = clusters.get(production);
  if (known !== undefined) return known;
  const made = createHash('sha1').update(production).digest('hex').slice(0, 16);
  clusters.set(production, made);
  return made;
}
