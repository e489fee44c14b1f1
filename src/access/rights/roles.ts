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

/** A role in every production that the console shows, or in one: `engineer@lab`. */
export interface Grant {
  readonly role: string;
  /** Undefined for every one. */
  readonly production: string | undefined;
}

const FOR_ONE = /^(.+)@([A-Za-z0-9-]{1,63})$/;

/** A role whose own name contains an @ is meant before a role for one production. */
export function grantOf(named: string, roles: Roles): Grant {
  const [, role = '', production] = (roles.has(named) ? null : FOR_ONE.exec(named)) ?? [];
  return production === undefined ? { role: named, production } : { role, production };
}

/** Throws CONFIG_INVALID for a role that does not exist, with the most similar name that does. */
export function checkRoles(named: readonly string[], roles: Roles): void {
  for (const one of named) {
    const { role } = grantOf(one, roles);
    if (roles.has(role)) continue;
    const near = nearest(role, [...roles.keys()]);
    const hint =
      near === undefined ? `there are ${[...roles.keys()].join(', ')}` : `did you mean ${near}?`;
    throw new EngineError('CONFIG_INVALID', `there is no role ${role}; ${hint}`);
  }
}

/** Users and tokens belong to the console, not to a production: a role for one production gives no right over them. */
const OF_THE_CONSOLE: ReadonlySet<Permission> = new Set(['user.manage', 'token.manage']);

/**
 * Everything that the roles allow together in a production; without one, what they allow in every
 * production. An unknown role allows nothing.
 */
export function permissionsOf(
  named: readonly string[],
  roles: Roles,
  production?: string,
): Set<Permission> {
  return new Set(
    named.flatMap((one) => {
      const { role, production: only } = grantOf(one, roles);
      const allowed = roles.get(role) ?? [];
      if (only === undefined) return allowed;
      return only === production ? allowed.filter((each) => !OF_THE_CONSOLE.has(each)) : [];
    }),
  );
}
