import type { Permission, Principal } from './principal.ts';

/** Who ordered something that goes on after the request: what is kept of them with it. */
export interface Orderer extends Pick<Principal, 'name' | 'via' | 'roles' | 'visibleHosts'> {
  readonly permissions: readonly Permission[];
  /** The API token that they came with. */
  readonly token?: number | undefined;
}

export function ordererOf(principal: Principal): Orderer {
  const { name, via, roles, visibleHosts, permissions, token } = principal;
  return { name, via, roles, visibleHosts, permissions: [...permissions], token };
}

/** What an orderer may still do of what they might when they ordered. */
export type StillAllowed = Pick<Principal, 'permissions' | 'visibleHosts'>;

/** Looks an orderer up anew; a text says why they are nobody any longer. */
export type RightsNow = (orderer: Orderer) => Promise<StillAllowed | string>;
