import type { FastifyRequest } from 'fastify';
import { hashPassword, oneTimePassword } from '../../../credential/password.ts';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { closed, list, maybe, record, Time, word } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { PERMISSIONS, type Permission } from '../../rights/principal.ts';
import type { Identity } from '../../rights/principal-for.ts';
import { checkGrant, principalOf, requirePermission } from '../../rights/require-permission.ts';
import { checkRoles, permissionsOf } from '../../rights/roles.ts';
import { checkScope, EVERYTHING } from '../../rights/scope.ts';
import { ownerOf } from '../factor/factor-store.ts';
import { localIdentity } from '../local-sign-in.ts';
import type { SignIn } from '../sign-in.ts';
import type { User } from '../users.ts';

const tags = ['users'];
const Name = Type.String({ minLength: 1, maxLength: 100 });
const Names = list(Name, { maxItems: 50 });
const ByName = closed({ name: Name });
const OneTime = Type.Object({
  password: Type.String({ description: 'For one sign-in; shown only once.' }),
});
const Done = Type.Object({ done: Type.Boolean() });
/** Roles and scope as they were shown: nothing is changed if they are others now (409). */
const Saw = closed({ roles: Names, scope: Names });

const UserRow = Type.Object({
  name: Type.String(),
  roles: list(Type.String()),
  scope: list(Type.String()),
  mustChange: Type.Boolean(),
  expires: maybe(Time),
  breakGlass: Type.Boolean(),
  created: Time,
  lastSignIn: maybe(Time),
  secondFactor: list(word('totp', 'passkey')),
});

const RightsOf = Type.Object({
  name: Type.String(),
  via: Type.String({ description: '`local`, or how an external user last signed in.' }),
  roles: list(Type.String()),
  scope: list(Type.String()),
  visibleHosts: maybe(list(Type.String())),
  permissions: record(list(Type.String())),
  missing: list(word(...PERMISSIONS)),
});

/** Local users, and what each may actually do. */
export function userRoutes(api: Api, signIn: SignIn): void {
  listRoute(api, signIn);
  readingRoutes(api, signIn);
  rightsRoutes(api, signIn);
  accountRoutes(api, signIn);
  factorRoute(api, signIn);
}

const onRequest = requirePermission('user.manage');

/** The users, with their second factors. */
function listRoute(api: Api, signIn: SignIn): void {
  const { users } = signIn;

  api.get(
    '/users',
    {
      schema: {
        tags,
        summary: 'Local users.',
        response: { 200: Type.Object({ users: list(UserRow) }) },
      },
      onRequest,
    },
    async () => {
      const kinds = await signIn.factors.store.all();
      return {
        users: (await users.list()).map((user) => ({
          ...user,
          secondFactor: kinds.get(ownerOf({ via: 'local', name: user.name })) ?? [],
        })),
      };
    },
  );
}

/** What each may do. */
function readingRoutes(api: Api, signIn: SignIn): void {
  const { roles } = signIn;

  api.get(
    '/roles',
    {
      schema: {
        tags,
        summary: 'Roles and what they allow.',
        response: { 200: Type.Object({ roles: record(list(Type.String())) }) },
      },
      onRequest,
    },
    async () => ({ roles: Object.fromEntries(roles) }),
  );

  api.get(
    '/users/:name/rights',
    {
      schema: {
        tags,
        summary:
          'What a local user, or an external user who is signed in, may do, through which role and for which hosts, and what they may not do.',
        params: ByName,
        response: { 200: RightsOf },
      },
      onRequest,
    },
    async (request) => {
      const identity = await identityOf(signIn, request.params.name);
      const { name, via, roles: named, scope } = identity;
      const { permissions, visibleHosts } = await signIn.rights(identity);
      const by = (one: Permission): string[] =>
        named.filter((role) => permissionsOf([role], roles, signIn.production).has(one));
      return {
        name,
        via,
        roles: named,
        scope,
        visibleHosts,
        permissions: Object.fromEntries([...permissions].map((one) => [one, by(one)])),
        missing: PERMISSIONS.filter((one) => !permissions.has(one)),
      };
    },
  );
}

/** Adding users and changing what they may do. */
function rightsRoutes(api: Api, signIn: SignIn): void {
  const { users } = signIn;

  api.post(
    '/users',
    {
      schema: {
        tags,
        summary: 'Adds a user with a one-time password.',
        body: closed({ name: Name, roles: Names, scope: maybe(Names) }),
        response: { 200: OneTime },
      },
      onRequest,
    },
    async (request) => {
      const { name, roles: named, scope = EVERYTHING } = request.body;
      checkMayGive(signIn, request, named, scope);
      const password = oneTimePassword();
      await users.add({
        name,
        roles: named,
        scope,
        password: await hashPassword(password),
        mustChange: true,
      });
      await recorded(signIn, request, 'user.add', name, { roles: named, scope });
      return { password };
    },
  );

  api.put(
    '/users/:name/roles',
    {
      schema: {
        tags,
        summary: 'Sets roles, and the scope if one is given; ends the user’s sessions.',
        params: ByName,
        body: closed({ roles: Names, scope: maybe(Names), saw: maybe(Saw) }),
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      const { name, roles: before, scope: seen } = await known(signIn, request.params.name);
      const { roles: named, scope = seen, saw } = request.body;
      checkMayGive(signIn, request, [...before, ...named], scope);
      if (!(await users.setRoles(name, named, scope, saw)))
        throw new ApiError(
          409,
          'CONFLICT',
          `somebody else has changed the rights of ${name} since you looked: look at them again`,
        );
      await recorded(signIn, request, 'user.roles', name, { roles: named, scope });
      return { done: true };
    },
  );
}

/** New passwords, and removing users. */
function accountRoutes(api: Api, signIn: SignIn): void {
  const { users } = signIn;

  api.post(
    '/users/:name/password',
    {
      schema: {
        tags,
        summary: 'Gives a one-time password.',
        params: ByName,
        response: { 200: OneTime },
      },
      onRequest,
    },
    async (request) => {
      const password = oneTimePassword();
      const hash = await hashPassword(password);
      // nothing may change between reading the user and acting
      const { name } = await mayActOn(signIn, request);
      await users.setPassword(name, { password: hash, mustChange: true });
      await recorded(signIn, request, 'user.password', name);
      return { password };
    },
  );

  api.delete(
    '/users/:name',
    {
      schema: {
        tags,
        summary: 'Removes a user; sessions and tokens end.',
        params: ByName,
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      const { name } = await mayActOn(signIn, request);
      if (name === principalOf(request).name)
        throw new ApiError(409, 'CONFLICT', 'nobody removes themselves');
      await users.remove(name);
      await recorded(signIn, request, 'user.remove', name);
      return { done: true };
    },
  );
}

/** For when the device is lost. */
function factorRoute(api: Api, signIn: SignIn): void {
  api.delete(
    '/users/:name/second-factor',
    {
      schema: {
        tags,
        summary:
          'Removes somebody’s second factors and recovery codes; their sessions and tokens end.',
        params: ByName,
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      const owner = await factorOwner(signIn, request);
      if (!(await signIn.factors.store.forget(ownerOf(owner))))
        throw new ApiError(404, 'NOT_FOUND', `${owner.name} has no second factor`);
      await signIn.sessions.endOthers(owner.name, owner.via, '');
      if (owner.via === 'local') await signIn.tokens.endAll(owner.name, 'all');
      await recorded(signIn, request, 'user.second-factor-reset', owner.name, { via: owner.via });
      return { done: true };
    },
  );
}

/** The user with that name: a local one, or else an external one who is signed in under it. */
async function identityOf({ users, sessions }: SignIn, name: string): Promise<Identity> {
  const user = await users.find(name);
  if (user !== undefined) return localIdentity(user, 'local');
  const session = await sessions.latest(name);
  if (session !== undefined) return session;
  throw new ApiError(
    404,
    'NOT_FOUND',
    `${name} is not a local user and is not signed in externally`,
  );
}

/** The user of the request, or the person of a directory who has a second factor under that name. */
async function factorOwner(
  signIn: SignIn,
  request: FastifyRequest & { readonly params: { readonly name: string } },
): Promise<Pick<Identity, 'name' | 'via'>> {
  const { name } = request.params;
  if ((await signIn.users.find(name)) !== undefined)
    return { name: (await mayActOn(signIn, request)).name, via: 'local' };
  const owners = [...(await signIn.factors.store.all()).keys()];
  const end = ` ${name.toLowerCase()}`;
  const found = owners.find((one) => one.startsWith('ldap ') && one.endsWith(end));
  if (found === undefined) throw new ApiError(404, 'NOT_FOUND', `there is no user ${name}`);
  // what they may do is decided by the directory at the next sign-in, so only who may do all resets them
  checkGrant(principalOf(request), ['administrator'], signIn.roles);
  return { name, via: found.slice(0, -end.length) };
}

async function known({ users }: SignIn, name: string): Promise<User> {
  const user = await users.find(name);
  if (user === undefined) throw new ApiError(404, 'NOT_FOUND', `there is no user ${name}`);
  return user;
}

/** The user of the request, provided they have no right that the caller lacks. */
async function mayActOn(
  signIn: SignIn,
  request: FastifyRequest & { readonly params: { readonly name: string } },
): Promise<User> {
  const user = await known(signIn, request.params.name);
  checkGrant(principalOf(request), user.roles, signIn.roles);
  return user;
}

function checkMayGive(
  { roles }: SignIn,
  request: FastifyRequest,
  named: readonly string[],
  scope: readonly string[],
): void {
  checkGrant(principalOf(request), named, roles);
  checkRoles(named, roles);
  checkScope(scope);
}

async function recorded(
  { audit }: SignIn,
  request: FastifyRequest,
  action: string,
  ...[user, detail]: readonly [user: string, detail?: Readonly<Record<string, unknown>>]
): Promise<void> {
  const { name, via } = principalOf(request);
  const entry = { actor: { name, via }, ip: request.ip, action, object: `user ${user}` };
  await audit.record({ ...entry, outcome: 'done', detail });
}
