import type { Orderer, RightsNow, StillAllowed } from '../rights/orderer.ts';
import type { Identity } from '../rights/principal-for.ts';
import { permissionsOf } from '../rights/roles.ts';
import { localIdentity } from './local-sign-in.ts';
import type { SignIn } from './sign-in.ts';

/**
 * What somebody who ordered a job may do now, never more than when they ordered it. A local user is
 * looked up. For an external user the last sign-in counts, or without one what their roles allow
 * now.
 */
export function rightsNow(signIn: SignIn): RightsNow {
  return async (orderer) => {
    const { via, name } = orderer;
    // from an earlier version, in which the user at the machine itself was an administrator
    if (via === 'loopback') return 'users at the machine itself are no longer administrators';
    if (via === 'local' || via === 'token') return local(signIn, orderer);
    const last = await signIn.sessions.latest(name, via);
    return last === undefined
      ? asOrdered(signIn, orderer)
      : within(signIn, orderer, { ...last, name, via });
  };
}

async function local(signIn: SignIn, orderer: Orderer): Promise<StillAllowed | string> {
  const { name, via, token } = orderer;
  const isRevoked =
    token !== undefined &&
    (await signIn.tokens.list()).some((one) => one.id === token && one.revoked);
  if (isRevoked) return `the token with which ${name} ordered it was revoked`;
  const user = await signIn.users.current(name);
  if (user === undefined) return `${name} is no longer a user`;
  return within(signIn, orderer, localIdentity(user, via));
}

const within = (
  { rights }: SignIn,
  { permissions: limit }: Orderer,
  identity: Identity,
): Promise<StillAllowed> => rights({ ...identity, limit });

function asOrdered({ roles }: SignIn, orderer: Orderer): StillAllowed {
  const allowed = permissionsOf(orderer.roles, roles);
  const permissions = new Set(orderer.permissions.filter((one) => allowed.has(one)));
  return { permissions, visibleHosts: orderer.visibleHosts };
}
