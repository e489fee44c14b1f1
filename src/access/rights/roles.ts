import { EngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { type BuiltInRole, GIVEN_TO, PERMISSIONS, type Permission } from './principal.ts';

const given = (role: BuiltInRole): readonly Permission[] =>
  PERMISSIONS.filter((permission) => GIVEN_TO[permission].some((one) => one === role));

/** Roles that every installation has. */
export const BUILT_IN_ROLES: Roles = new Map<string, readonly Permission[]>([
  ['viewer', given('viewer')],
  ['operator', given('operator')],
  ['engineer', given('engineer')],
  ['auditor', given('auditor')],
  ['administrator', PERMISSIONS],
]);

/** Name of a role → what it allows. */
export type Roles = ReadonlyMap<string, readonly Permission[]>;

/** Throws CONFIG_INVALID for a role that does not exist, with the most similar name that does. */
export function checkRoles(named: readonly string[], roles: Roles): void {
  for (const name of named) {
    if (roles.has(name)) continue;
    const near = nearest(name, [...roles.keys()]);
    const hint =
      near === undefined ? `there are ${[...roles.keys()].join(', ')}` : `did you mean ${near}?`;
    throw new EngineError('CONFIG_INVALID', `there is no role ${name}; ${hint}`);
  }
}

/** Everything that the roles allow together; an unknown role allows nothing. */
export function permissionsOf(named: readonly string[], roles: Roles): Set<Permission> {
  return new Set(named.flatMap((name) => roles.get(name) ?? []));
}
