import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/rights/require-permission.ts';

/**
 * Whose something is. The same name from another sign-in is a different person: local users and
 * their tokens are one, each other way of signing in is another.
 */
export function ownerOf(request: FastifyRequest): string {
  const { name, via } = principalOf(request);
  return via === 'local' || via === 'token' ? name : `${via} ${name}`;
}
