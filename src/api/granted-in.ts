import type { FastifyRequest } from 'fastify';
import type { Permission, Principal } from '../access/rights/principal.ts';
import { principalOf } from '../access/rights/require-permission.ts';
import type { RelayedCaller } from '../control/relay-frames.ts';

/** What somebody may do in a production of this console; `own` is its own. */
export function grantedIn(
  { permissions, grants }: Principal,
  own: string,
  production: string,
): ReadonlySet<Permission> {
  return production === own ? permissions : (grants?.permissionsIn(production) ?? new Set());
}

/** Who asks, as another production is told. */
export function callerOf(request: FastifyRequest, own: string, production: string): RelayedCaller {
  const { name, via, roles, token, grants } = principalOf(request);
  return {
    name,
    via: `${via}@${own}`,
    roles,
    permissions: [...(grants?.permissionsIn(production) ?? [])],
    scope: grants?.scope ?? [],
    token,
    ip: request.ip,
  };
}
