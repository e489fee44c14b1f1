import type { Permission, Principal } from './principal.ts';
import { permissionsOf, type Roles } from './roles.ts';
import { hostsInScope, type ScopedHost } from './scope.ts';

/** Who somebody is, by whatever sign-in, before it is known what that allows. */
export interface Identity {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: readonly string[];
  readonly via: string;
  /** A token may allow less than its user may. */
  readonly limit?: readonly Permission[] | undefined;
  /** Its id, where it is one of Waybill's own. */
  readonly token?: number | undefined;
  readonly csrfToken?: string | undefined;
  readonly mustChangePassword?: boolean | undefined;
  /** Whether what was checked still holds: a session that begins while the password is changed must not outlive it. */
  readonly stillHolds?: (() => Promise<boolean>) | undefined;
}

/** What an identity may do now, in the production as it runs. */
export type Rights = (identity: Identity) => Promise<Principal>;

/**
 * Compiles roles and scope to a principal. `hosts` tells the production's hosts; while no engine answers,
 * those it told last are used, so that a scope never widens.
 */
export function rights(roles: Roles, hosts: () => Promise<readonly ScopedHost[]>): Rights {
  let last: readonly ScopedHost[] = [];
  const visible = async (scope: readonly string[]): Promise<readonly string[] | undefined> => {
    if (scope.includes('*')) return undefined;
    // without an engine to ask, the hosts that were known last
    last = await hosts().catch(() => last);
    return hostsInScope(scope, last);
  };
  return async (identity) => {
    const {
      name,
      roles: named,
      scope,
      via,
      limit,
      token,
      csrfToken,
      mustChangePassword,
    } = identity;
    const all = permissionsOf(named, roles);
    const permissions = limit === undefined ? all : new Set(limit.filter((one) => all.has(one)));
    return {
      name,
      roles: named,
      permissions,
      visibleHosts: await visible(scope),
      unmasked: permissions.has('message.content.unmasked'),
      via,
      ...(token === undefined ? {} : { token }),
      ...(csrfToken === undefined ? {} : { csrfToken }),
      ...(mustChangePassword === true ? { mustChangePassword } : {}),
    };
  };
}
