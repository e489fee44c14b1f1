import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../rights/principal-for.ts';
import { permissionsOf } from '../rights/roles.ts';
import { cookieName, cookieOf, setCookie } from './cookie.ts';
import type { SignIn } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

export interface SignedInBy {
  readonly method: string;
  readonly provider?: string | undefined;
  readonly idToken?: string | undefined;
  /** With what the second step was taken, if there was one. */
  readonly factor?: string | undefined;
}

/** Starts a session under a new id, ends the previous one, and records it. */
export async function startSession(
  signIn: SignIn,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
  identity: Identity,
  { method, provider, idToken, factor }: SignedInBy,
): Promise<void> {
  const { name, via, roles, scope } = identity;
  const { ip } = request;
  const before = cookieOf(request, cookieName(request, signIn.cookies.session));
  if (before !== undefined) await signIn.sessions.end(before);
  const id = await signIn.sessions.start({ name, via, roles, scope, ip, provider, idToken });
  // checked once the session exists: an earlier change is seen here, a later one ends the session
  if ((await identity.stillHolds?.()) === false) {
    await signIn.sessions.end(id);
    throw changedMeanwhile();
  }
  await signedIn(signIn, request, identity, { method, factor });
  setCookie(request, reply, signIn.cookies.session, id);
}

export const changedMeanwhile = (): SignInRefusal =>
  SignInRefusal.wrong('the password was changed, or the user removed, while it was being checked');

/** Records that somebody signed in. */
export async function signedIn(
  { audit, trace }: SignIn,
  { ip }: FastifyRequest,
  { name, via, roles, scope }: Identity,
  { method, factor }: Pick<SignedInBy, 'method' | 'factor'>,
): Promise<void> {
  const entry = { actor: { name, via }, ip, action: 'sign-in', object: `user ${name}` };
  await audit.record({ ...entry, outcome: 'done', detail: { roles, scope, secondFactor: factor } });
  const cause = `${factor === undefined ? '' : `by ${factor}, `}with ${roles.join(', ') || 'no role'} on ${scope.join(', ')}`;
  trace.add({ ip, method, user: name, outcome: 'signed-in', cause, remedy: undefined });
}

/** The same for a person whom a provider has identified, which confirms a provider that is enforced. */
export async function startProvidedSession(
  signIn: SignIn,
  exchange: readonly [FastifyRequest, FastifyReply],
  identity: Identity,
  by: SignedInBy,
): Promise<void> {
  const allowed = permissionsOf(identity.roles, signIn.roles);
  await signIn.enforcement.signedIn(allowed.has('user.manage'));
  await startSession(signIn, exchange, identity, by);
}

/** Runs a sign-in; a refusal is recorded with its cause before it is answered. */
export async function attempted<Result>(
  { audit, refused, trace, users }: SignIn,
  { ip }: FastifyRequest,
  { method, user }: { readonly method: string; readonly user: string | undefined },
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SignInRefusal) {
      const { why, remedy } = error;
      // people type their password into the name field: what is not a user's name is kept in memory
      // only
      const isName = user !== undefined && (await users.find(user)) !== undefined;
      const typed = user?.slice(0, 100);
      const name = isName ? user : 'unknown';
      trace.add({ ip, method, user: typed, outcome: 'refused', cause: why, remedy }, name);
      // a guess that was not even checked costs nothing here
      if (error.status === 429) throw error;
      if (!(await refused.add({ name, via: method, ip, cause: why }))) throw error;
      const actor = { name, via: method };
      const entry = { actor, ip, action: 'sign-in', object: `user ${name}` };
      await audit.record({ ...entry, outcome: 'refused', detail: { cause: why } });
    }
    throw error;
  }
}
