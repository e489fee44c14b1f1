import type { FastifyRequest, onRequestAsyncHookHandler, RouteOptions } from 'fastify';
import { ApiError } from '../../web/api-error.ts';
import type { Permission, Principal } from './principal.ts';
import { grantOf, permissionsOf, type Roles } from './roles.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; undefined until somebody has signed in. Set by the sign-in's `onRequest` hook. */
    principal: Principal | undefined;
    /** Checks again who makes the request, for a long answer; undefined if they no longer have access. */
    signInAgain: ((at?: number) => Promise<Principal | undefined>) | undefined;
  }
}

/** The signed-in principal of a request. Throws SIGN_IN_REQUIRED (401). */
export function principalOf(request: FastifyRequest): Principal {
  const { principal } = request;
  if (principal === undefined) throw new ApiError(401, 'SIGN_IN_REQUIRED', 'sign in first');
  return principal;
}

/** Lets a request pass only if its principal has every one of the permissions; otherwise 401 or 403 `FORBIDDEN`. */
export function requirePermission(...needed: readonly Permission[]): onRequestAsyncHookHandler {
  const hook: onRequestAsyncHookHandler = async (request) => {
    checkPermission(principalOf(request), ...needed);
  };
  NEEDED.set(hook, needed);
  return hook;
}

const NEEDED = new WeakMap<object, readonly Permission[]>();

/** The permissions that a route's hooks require, for the OpenAPI document. */
export function permissionsNeeded(onRequest: RouteOptions['onRequest']): readonly Permission[] {
  return [onRequest ?? []].flat().flatMap((hook) => NEEDED.get(hook) ?? []);
}

/** Throws FORBIDDEN for acts that concern every host, if somebody sees only some. */
export function checkSeesAll({ visibleHosts }: Principal, act: string): void {
  if (visibleHosts === undefined) return;
  throw new ApiError(403, 'FORBIDDEN', `only people who see every host may ${act}`);
}

/** Like `requirePermission`, for permissions that depend on the request's content. */
export function checkPermission(principal: Principal, ...needed: readonly Permission[]): void {
  const missing = needed.filter((one) => !principal.permissions.has(one));
  if (missing.length > 0) {
    throw new ApiError(403, 'FORBIDDEN', `${principal.name} lacks ${missing.join(', ')}`);
  }
}

/**
 * Throws FORBIDDEN unless somebody has every right that these roles give or take over, wherever they
 * give it: somebody who could make an administrator, or set an administrator's password, would in
 * effect be one. Those who see only some hosts cannot give anything.
 */
export function checkGrant(principal: Principal, named: readonly string[], roles: Roles): void {
  checkSeesAll(principal, 'change users');
  const { name, grants } = principal;
  const lacking = new Set(
    named.flatMap((one) => {
      const { production } = grantOf(one, roles);
      const own = grants?.permissionsIn(production);
      return [...permissionsOf([one], roles, production)].filter((each) => own?.has(each) !== true);
    }),
  );
  if (lacking.size === 0) return;
  throw new ApiError(
    403,
    'FORBIDDEN',
    `nobody can give or take over rights beyond their own: ${name} lacks ${[...lacking].join(', ')}`,
  );
}
