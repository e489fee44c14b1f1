import type { FastifyRequest } from 'fastify';
import { OPEN_LIMIT } from '../../../web/admission.ts';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { closed, list, maybe, Time, word } from '../../../web/schema.ts';
import { type Static, Type } from '../../../web/type.ts';
import { PERMISSIONS, type Permission, type Principal } from '../../rights/principal.ts';
import type { Identity } from '../../rights/principal-for.ts';
import {
  checkGrant,
  checkPermission,
  principalOf,
  requirePermission,
} from '../../rights/require-permission.ts';
import type { TokenPair } from '../api-tokens.ts';
import { ownerOf } from '../factor/factor-store.ts';
import { withoutFactor } from '../second-step.ts';
import type { SignIn } from '../sign-in.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { attempted, changedMeanwhile, signedIn } from '../signed-in.ts';
import { Credentials } from './session.ts';

const tags = ['tokens'];
const DAY = 86_400_000;

const CredentialsAndCode = closed({
  ...Credentials.properties,
  code: maybe(
    Type.String({ maxLength: 100, description: 'Of an authenticator app, or a recovery code.' }),
  ),
});

const Pair = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer({ description: 'Seconds.' }),
});

const Token = Type.Object({
  id: Type.Integer(),
  label: Type.String(),
  user: Type.String(),
  permissions: maybe(list(word(...PERMISSIONS))),
  created: Time,
  expires: Time,
  lastUsed: maybe(Time),
  revoked: Type.Boolean(),
});

/** Tokens for programs: pairs that start with a password, and long-lived ones that a person makes. */
// oxlint-disable-next-line max-lines-per-function -- one table of routes
export function tokenRoutes(api: Api, signIn: SignIn): void {
  pairRoutes(api, signIn);
  const { tokens, users, audit } = signIn;

  api.get(
    '/tokens',
    {
      schema: {
        tags,
        summary: 'Tokens, without their secrets: your own, or all with user.manage.',
        response: { 200: Type.Object({ tokens: list(Token) }) },
      },
      onRequest: requirePermission('token.manage'),
    },
    async (request) => {
      const principal = principalOf(request);
      return { tokens: (await tokens.list()).filter(({ user }) => isOf(principal, user)) };
    },
  );

  api.post(
    '/tokens',
    {
      schema: {
        tags,
        summary: 'Makes a token; it is shown only once.',
        body: closed({
          label: Type.String({ minLength: 1, maxLength: 100 }),
          user: maybe(Type.String({ maxLength: 200 })),
          permissions: maybe(list(word(...PERMISSIONS))),
          days: Type.Integer({ minimum: 1, maximum: 3_650 }),
        }),
        response: { 200: Type.Object({ id: Type.Integer(), token: Type.String() }) },
      },
      onRequest: requirePermission('token.manage'),
    },
    async (request) => {
      const principal = principalOf(request);
      const { label, days, user = principal.name, permissions } = request.body;
      await checkMayGive(signIn, principal, user, permissions ?? []);
      if ((await users.find(user)) === undefined) {
        throw new ApiError(
          409,
          'CONFLICT',
          `a token belongs to a local user, and ${user} is not one`,
        );
      }
      const made = await tokens.add({
        label,
        user,
        permissions: permissions ?? [...principal.permissions],
        expires: Date.now() + days * DAY,
      });
      const { name, via } = principal;
      const entry = { actor: { name, via }, ip: request.ip, object: `token ${made.id}` };
      await audit.record({
        ...entry,
        action: 'token.add',
        outcome: 'done',
        detail: { label, user, days, permissions },
      });
      return made;
    },
  );

  api.delete(
    '/tokens/:id',
    {
      schema: {
        tags,
        summary: 'Revokes a token: your own, or any with user.manage.',
        params: closed({ id: Type.Integer() }),
        response: { 200: Type.Object({ done: Type.Boolean() }) },
      },
      onRequest: requirePermission('token.manage'),
    },
    async (request) => {
      const { id } = request.params;
      const principal = principalOf(request);
      const token = (await tokens.list()).find((one) => one.id === id);
      if (token === undefined || !isOf(principal, token.user) || !(await tokens.revoke(id))) {
        throw new ApiError(404, 'NOT_FOUND', `there is no token ${id}`);
      }
      const { name, via } = principal;
      const entry = { actor: { name, via }, ip: request.ip, object: `token ${id}` };
      await audit.record({ ...entry, action: 'token.revoke', outcome: 'done' });
      return { done: true };
    },
  );
}

/** Whether a token is a person's own. An external user's name may equal that of a local user. */
function isOwn({ name, via }: Principal, user: string): boolean {
  return user.toLowerCase() === name.toLowerCase() && /^(?:local|token)$/.test(via);
}

/** Whether somebody may see and revoke a user's tokens. */
function isOf(principal: Principal, user: string): boolean {
  return principal.permissions.has('user.manage') || isOwn(principal, user);
}

/** Nobody can give more than they have; a token made for somebody else acts under that name. */
async function checkMayGive(
  { users, roles }: SignIn,
  principal: Principal,
  user: string,
  permissions: readonly Permission[],
): Promise<void> {
  checkPermission(principal, ...permissions);
  if (isOwn(principal, user)) return;
  checkPermission(principal, 'user.manage');
  checkGrant(principal, (await users.find(user))?.roles ?? [], roles);
}

function pairRoutes(api: Api, signIn: SignIn): void {
  const { tokens } = signIn;

  api.post(
    '/auth/token',
    {
      config: { open: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary:
          'A short-lived access token and a refresh token, for a password or for the previous refresh token.',
        body: Type.Union([
          CredentialsAndCode,
          closed({ refreshToken: Type.String({ maxLength: 200 }) }),
        ]),
        response: { 200: Pair },
      },
    },
    async (request) => {
      const { body } = request;
      if ('refreshToken' in body) {
        const what = { method: 'refresh', user: undefined };
        return attempted(signIn, request, what, async () => refreshed(signIn, body.refreshToken));
      }
      const { user } = body;
      return attempted(signIn, request, { method: 'token', user }, () =>
        pairFor(signIn, request, body),
      );
    },
  );

  api.post(
    '/auth/revoke',
    {
      config: { open: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'Ends an access token, its refresh token and everything made from them.',
        body: closed({ token: Type.String({ maxLength: 200 }) }),
        response: { 200: Type.Object({ done: Type.Boolean() }) },
      },
    },
    async (request) => {
      const name = await tokens.revokeFamily(request.body.token);
      if (name !== undefined) {
        const actor = { name, via: 'token' };
        const entry = { actor, ip: request.ip, action: 'token.revoke', object: `user ${name}` };
        await signIn.audit.record({ ...entry, outcome: 'done' });
      }
      // whether there was such a token is not revealed
      return { done: true };
    },
  );
}

/** The next pair, if the user still exists. */
async function refreshed({ tokens, users }: SignIn, token: string): Promise<TokenPair> {
  const { user, ...pair } = await tokens.refresh(token);
  if ((await users.current(user)) !== undefined) return pair;
  await tokens.revokeFamily(pair.accessToken);
  throw SignInRefusal.token('the user of this token no longer exists', 'sign in as another user');
}

/** The first pair, for a password and what else is needed. */
async function pairFor(
  signIn: SignIn,
  request: FastifyRequest,
  { user, password, code }: Static<typeof CredentialsAndCode>,
): Promise<TokenPair> {
  const { tokens } = signIn;
  const identity = await signIn.local.check({ user, password, ip: request.ip });
  checkMayHaveTokens(identity.via, identity.mustChangePassword === true);
  const factor = await secondStepOf(signIn, identity, code, request.ip);
  await signedIn(signIn, request, identity, { method: 'token', factor });
  const pair = await tokens.pair(identity.name);
  const { stillHolds } = factor === undefined ? withoutFactor(signIn, identity) : identity;
  if ((await stillHolds?.()) !== false) return pair;
  await tokens.revokeFamily(pair.accessToken);
  throw changedMeanwhile();
}

/** A password alone gives no tokens to somebody who needs more for a session. */
async function secondStepOf(
  { factors, factorCheck }: SignIn,
  identity: Identity,
  code: string | undefined,
  ip: string,
): Promise<string | undefined> {
  if (await factors.isMissing(identity)) {
    throw new ApiError(
      403,
      'SECOND_FACTOR_REQUIRED',
      'sign in to the console and set up a second factor first',
    );
  }
  if ((await factors.store.kinds(ownerOf(identity))).length === 0) return undefined;
  if (code !== undefined) return factorCheck.check(identity, { code }, ip);
  throw new ApiError(
    401,
    'SECOND_FACTOR_REQUIRED',
    'send a code of the authenticator app, or a recovery code, as code; or use a token made under Tokens, which needs none',
  );
}

function checkMayHaveTokens(via: string, mustChange: boolean): void {
  if (via !== 'local') {
    throw new SignInRefusal(
      { status: 403, text: 'only local users get tokens here; use those of your own issuer' },
      `signed in ${via}, which does not give Waybill tokens`,
      'list the issuer under tokens of console.yaml, or make a local user',
    );
  }
  if (mustChange) {
    throw new ApiError(
      403,
      'PASSWORD_CHANGE_REQUIRED',
      'sign in to the console and change the password first',
    );
  }
}
