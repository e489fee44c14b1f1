import { isTold, unless } from '../../error/foreseen.ts';
import type { Emergencies } from './emergency.ts';
import type { Grants, Permission, Principal } from './principal.ts';
import { permissionsOf, type Roles } from './roles.ts';
import { hostsInScope, type ScopedHost } from './scope.ts';

/** Who somebody is, by any kind of sign-in, before their permissions are known. */
export interface Identity {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: readonly string[];
  readonly via: string;
  /** A token may allow less than its user has. */
  readonly limit?: readonly Permission[] | undefined;
  /**
   * What they may do, if the console of another production has already decided it; their roles then
   * count for nothing here.
   */
  readonly granted?: readonly Permission[] | undefined;
  /** The token's id, if it is one of Waybill's own. */
  readonly token?: number | undefined;
  readonly csrfToken?: string | undefined;
  readonly mustChangePassword?: boolean | undefined;
  /** Nothing else is allowed until a second factor is set up. */
  readonly mustAddFactor?: boolean | undefined;
  /** A local user for emergencies, who needs no second factor. */
  readonly breakGlass?: boolean | undefined;
  /** Whether the check still holds: a session that begins while the password is being changed must not outlive it. */
  readonly stillHolds?: (() => Promise<boolean>) | undefined;
}

const UNMASKED = 'message.content.unmasked' satisfies Permission;

/** What an identity may do now, in the running production. */
export type Rights = (identity: Identity) => Promise<Principal>;

/**
 * Compiles roles and scope to a principal. `hosts` returns the production's hosts; while no engine answers,
 * the last known ones are used, so that a scope never widens. Roles for one production count only
 * in `production`.
 */
export function rights(
  roles: Roles,
  hosts: () => Promise<readonly ScopedHost[]>,
  emergencies?: Pick<Emergencies, 'active'>,
  production?: string,
): Rights {
  let last: readonly ScopedHost[] = [];
  const visible = async (scope: readonly string[]): Promise<readonly string[] | undefined> => {
    if (scope.includes('*')) return undefined;
    // without an engine to ask, the last known hosts
    last = (await hosts().catch(unless(isTold, 'asking which hosts there are'))) ?? last;
    return hostsInScope(scope, last);
  };
  return async (identity) => {
    const { name, roles: named, scope, via, limit, token, csrfToken } = identity;
    const grants = grantsOf(identity, roles);
    const usual = grants?.permissionsIn(production) ?? new Set(identity.granted);
    const mayEver = limit === undefined && usual.has('message.emergency') && !usual.has(UNMASKED);
    const emergency = mayEver ? await emergencies?.active(name, via) : undefined;
    const permissions =
      emergency === undefined
        ? usual
        : new Set<Permission>([...usual, 'message.content', UNMASKED]);
    return {
      name,
      roles: named,
      permissions,
      visibleHosts: await visible(scope),
      unmasked: permissions.has(UNMASKED),
      via,
      grants,
      ...(emergency === undefined
        ? {}
        : { emergency: { until: emergency.until, reason: emergency.reason } }),
      ...(token === undefined ? {} : { token }),
      ...(csrfToken === undefined ? {} : { csrfToken }),
      ...dutiesOf(identity),
    };
  };
}

/** Undefined if another console has decided what they may do. */
function grantsOf(
  { roles: named, scope, limit, granted }: Identity,
  roles: Roles,
): Grants | undefined {
  if (granted !== undefined) return undefined;
  return {
    scope,
    permissionsIn(production) {
      const all = permissionsOf(named, roles, production);
      return limit === undefined ? all : new Set(limit.filter((one) => all.has(one)));
    },
  };
}

/** What has to be done before anything else. */
function dutiesOf({
  mustChangePassword,
  mustAddFactor,
}: Identity): Pick<Principal, 'mustChangePassword' | 'mustAddFactor'> {
  return {
    ...(mustChangePassword === true ? { mustChangePassword } : {}),
    ...(mustAddFactor === true ? { mustAddFactor } : {}),
  };
}
