import type { Permission, Principal } from './principal.ts';

/** Who ordered something that continues after the request; stored with the order. */
export interface Orderer extends Pick<Principal, 'name' | 'via' | 'roles' | 'visibleHosts'> {
  readonly permissions: readonly Permission[];
  /** The API token that they used. */
  readonly token?: number | undefined;
}

export function ordererOf(principal: Principal): Orderer {
  const { name, via, roles, visibleHosts, permissions, token } = principal;
  return { name, via, roles, visibleHosts, permissions: [...permissions], token };
}

/** What an orderer may still do, out of what they were allowed when they ordered. */
export type StillAllowed = Pick<Principal, 'permissions' | 'visibleHosts'>;

/** Looks an orderer up again; a text says why they no longer have access. */
export type RightsNow = (orderer: Orderer) => Promise<StillAllowed | string>;
