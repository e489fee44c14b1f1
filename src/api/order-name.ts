import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/rights/require-permission.ts';
import { maybe } from '../web/schema.ts';
import { Type } from '../web/type.ts';

/** The header that makes a request sent twice take effect once. */
export const OrderHeaders = Type.Object({
  'idempotency-key': maybe(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Chosen by the sender for one act: if sent again within a day, it is done only once.',
    }),
  ),
});

/**
 * Identifies an order for a day: the same person, key and content give the same name. Undefined without a key.
 *
 * @param shared in place of person and key: the order of all who give the same
 */
export function orderName(
  request: FastifyRequest,
  content: readonly (string | number | Uint8Array | undefined)[],
  shared?: string,
): string | undefined {
  const key = request.headers['idempotency-key'];
  if (shared === undefined && typeof key !== 'string') return undefined;
  const { name, via } = principalOf(request);
  const whose = shared === undefined ? [name, via, key as string] : ['shared', shared];
  const hash = createHash('sha256');
  for (const part of [...whose, ...content]) {
    const bytes = part instanceof Uint8Array ? part : Buffer.from(JSON.stringify(part ?? null));
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex');
}
