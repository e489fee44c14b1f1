import type { FastifyReply, FastifyRequest } from 'fastify';
import { checkNewPassword, hashPassword } from '../../../credential/password.ts';
import { OPEN_LIMIT } from '../../../web/admission.ts';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { closed, Json, list, maybe, word } from '../../../web/schema.ts';
import { type Static, Type } from '../../../web/type.ts';
import { within } from '../../../web/within.ts';
import type { Identity } from '../../rights/principal-for.ts';
import { principalOf } from '../../rights/require-permission.ts';
import { permissionsOf } from '../../rights/roles.ts';
import { cookieName, cookieOf, setCookie } from '../cookie.ts';
import { checkOrigin } from '../cross-origin.ts';
import type { Asked } from '../factor/second-factors.ts';
import { localIdentity } from '../local-sign-in.ts';
import { pendingOf, secondStep, siteFor, withoutFactor } from '../second-step.ts';
import type { SignIn } from '../sign-in.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { attempted, startSession } from '../signed-in.ts';
import { samlAddresses } from './saml.ts';

const tags = ['sign-in'];

const Methods = Type.Object({
  password: Type.Boolean(),
  /** There is no user yet: the code that waybill run prints makes the first administrator. */
  first: Type.Boolean(),
  oidc: list(Type.Object({ name: Type.String(), title: Type.String() })),
  saml: list(Type.Object({ name: Type.String(), title: Type.String() })),
  kerberos: list(Type.Object({ name: Type.String(), title: Type.String() })),
});

export const Credentials = closed({
  user: Type.String({ minLength: 1, maxLength: 200 }),
  password: Type.String({ minLength: 1, maxLength: 1_000 }),
});

const SignedIn = Type.Object({
  name: Type.String(),
  mustChangePassword: Type.Boolean(),
  secondFactor: maybe(
    Type.Object(
      {
        kinds: list(word('totp', 'passkey')),
        passkey: maybe(Json),
      },
      {
        description:
          'Nobody is signed in yet: POST /sign-in/second-factor with a code, a recovery code, or what a passkey answers to `passkey`.',
      },
    ),
  ),
});

/** Sessions of the console. */
export function signInRoutes(api: Api, signIn: SignIn): void {
  beginRoutes(api, signIn);
  secondStepRoute(api, signIn);
  signOutRoute(api, signIn);
  ownPasswordRoute(api, signIn);
}

/** The ways to sign in, and signing in with a password. */
function beginRoutes(api: Api, signIn: SignIn): void {
  api.get(
    '/sign-in/methods',
    {
      config: { open: true },
      schema: { tags, summary: 'The ways to sign in.', response: { 200: Methods } },
    },
    async () => ({
      // a directory's passwords are typed into the same form
      password: signIn.settings.ldap.length > 0 || (await signIn.enforcement.passwords()).allowed,
      // an unreachable database must not hide the page, and no user could be made in it either
      first: (await within(1_000, signIn.first.isAwaited())) ?? false,
      saml: [...signIn.saml.values()].map(({ name, title }) => ({ name, title })),
      kerberos: [...signIn.kerberos.values()].map(({ name, title }) => ({ name, title })),
      oidc: [...signIn.providers.values()].map(({ name, title }) => ({ name, title })),
    }),
  );

  api.post(
    '/sign-in',
    {
      config: { open: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'Signs in with a password; sets the session’s cookie.',
        body: Credentials,
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const { user, password } = request.body;
      const { ip } = request;
      return attempted(signIn, request, { method: 'local', user }, async () => {
        checkOrigin(signIn, request);
        const checked = await signIn.local.check({ user, password, ip });
        const asked = await secondStep(signIn, [request, reply], checked);
        if (asked === undefined)
          await begin(signIn, [request, reply], withoutFactor(signIn, checked));
        return answerOf(checked, asked);
      });
    },
  );
}

/** The second step: a code of an app, a recovery code, or a passkey. */
function secondStepRoute(api: Api, signIn: SignIn): void {
  api.post(
    '/sign-in/second-factor',
    {
      config: { open: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'The second step of a sign-in, after the password; sets the session’s cookie.',
        body: Type.Union([
          closed({ code: Type.String({ minLength: 1, maxLength: 100 }) }),
          closed({ passkey: Json }),
        ]),
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const { body, ip } = request;
      const user = await waitingName(signIn, request);
      const identity = await attempted(signIn, request, { method: 'local', user }, async () => {
        checkOrigin(signIn, request);
        const { identity: waiting, challenge = '' } = await pendingOf(signIn, request);
        const site = siteFor(signIn, request);
        const given = 'code' in body ? body : { passkey: body.passkey, challenge, site };
        const factor = await signIn.factorCheck.check(waiting, given, ip);
        await begin(signIn, [request, reply], waiting, factor);
        return waiting;
      });
      setCookie(request, reply, signIn.cookies.step, '');
      return answerOf(identity);
    },
  );
}

/** Whose second step it is, for the records; undefined if nobody's. */
async function waitingName(signIn: SignIn, request: FastifyRequest): Promise<string | undefined> {
  try {
    return (await pendingOf(signIn, request)).identity.name;
  } catch (error) {
    // told when the step itself is tried
    if (error instanceof SignInRefusal) return undefined;
    throw error;
  }
}

/** Starts the session, as the last step. */
async function begin(
  signIn: SignIn,
  exchange: readonly [FastifyRequest, FastifyReply],
  identity: Identity,
  factor?: string,
): Promise<void> {
  const { via, roles } = identity;
  await startSession(signIn, exchange, identity, { method: via, factor });
  if (via.startsWith('ldap ')) {
    const allowed = permissionsOf(roles, signIn.roles);
    await signIn.enforcement.signedIn(allowed.has('user.manage'));
  }
}

function answerOf({ name, mustChangePassword }: Identity, asked?: Asked): Static<typeof SignedIn> {
  const answer = { name, mustChangePassword: mustChangePassword === true };
  return asked === undefined ? answer : { ...answer, secondFactor: asked };
}

/** Signing out, here and at the provider. */
function signOutRoute(api: Api, signIn: SignIn): void {
  const { sessions } = signIn;

  api.post(
    '/sign-out',
    {
      config: { beforeChange: true },
      schema: {
        tags,
        summary: 'Ends the session; `redirect` leads to the provider’s own sign-out.',
        response: { 200: Type.Object({ redirect: maybe(Type.String()) }) },
      },
    },
    async (request, reply) => {
      const id = cookieOf(request, cookieName(request, signIn.cookies.session));
      const session = id === undefined ? undefined : await sessions.find(id);
      setCookie(request, reply, signIn.cookies.session, '');
      if (id === undefined || session === undefined) return {};
      await sessions.end(id);
      const { name, via, provider = '', idToken } = session;
      const entry = { actor: { name, via }, ip: request.ip, object: `user ${name}` };
      await signIn.audit.record({ ...entry, action: 'sign-out', outcome: 'done' });
      if (idToken === undefined) return {};
      const back = signIn.settings.publicUrl ?? `${request.protocol}://${request.host}/`;
      // the session here has ended: an unreachable provider must not make it look otherwise
      const leaving =
        signIn.providers.get(provider)?.signOut(idToken, back) ??
        signIn.saml.get(provider)?.signOut(samlAddresses(signIn, request, provider), idToken);
      // signing out here works whether or not the provider can be reached
      const there = await leaving?.catch(() => undefined);
      return { redirect: there?.href };
    },
  );
}

/** Changing one's own password. */
function ownPasswordRoute(api: Api, signIn: SignIn): void {
  const { users } = signIn;

  api.post(
    '/me/password',
    {
      config: { beforeChange: true },
      schema: {
        tags,
        summary: 'Changes one’s own password; every other session and token ends.',
        body: closed({
          current: Type.String({ maxLength: 1_000 }),
          password: Type.String({ maxLength: 1_000 }),
        }),
        response: { 200: Type.Object({ done: Type.Boolean() }) },
      },
    },
    async (request, reply) => {
      const { name, via } = principalOf(request);
      if (via !== 'local') {
        throw new ApiError(
          409,
          'CONFLICT',
          'only a local user can change a password, in the console',
        );
      }
      const { current, password } = request.body;
      const attempt = { user: name, password: current, ip: request.ip };
      await attempted(signIn, request, { method: 'local', user: name }, () =>
        signIn.local.check(attempt),
      );
      checkNewPassword(password, name);
      const hash = await hashPassword(password);
      await users.setPassword(name, { password: hash, mustChange: false });
      const entry = { actor: { name, via }, ip: request.ip, object: `user ${name}` };
      await signIn.audit.record({ ...entry, action: 'password.change', outcome: 'done' });
      const user = await users.find(name);
      if (user !== undefined) {
        await startSession(signIn, [request, reply], localIdentity(user, 'local'), {
          method: 'local',
        });
      }
      return { done: true };
    },
  );
}
