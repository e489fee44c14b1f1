import { ApiError } from '../../web/api-error.ts';
import type { Permission, Principal } from './principal.ts';
import { checkSeesAll } from './require-permission.ts';

/**
 * Throws FORBIDDEN unless somebody has every right that they give away or take over: who could make an
 * administrator, or set the password of one, would be one. Who sees only a part gives nothing at all.
 */
export function checkGrant(principal: Principal, given: Iterable<Permission>): void {
  checkSeesAll(principal, 'changes users');
  const { name, permissions } = principal;
  const lacking = [...new Set(given)].filter((one) => !permissions.has(one));
  if (lacking.length === 0) return;
  throw new ApiError(
    403,
    'FORBIDDEN',
    `nobody gives, or takes over, rights beyond their own: ${name} lacks ${lacking.join(', ')}`,
  );
}
