import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../rights/principal-for.ts';
import { cookieName, cookieOf, setCookie } from './cookie.ts';
import { ownerOf } from './factor/factor-store.ts';
import { type Site, siteOf } from './factor/passkeys.ts';
import type { Asked } from './factor/second-factors.ts';
import { localIdentity } from './local-sign-in.ts';
import type { SignIn } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';
import { changedMeanwhile } from './signed-in.ts';

/** A sign-in whose password was right, sealed in the browser's cookie until the second step. */
interface Pending {
  readonly identity: Pick<Identity, 'name' | 'via' | 'roles' | 'scope' | 'mustChangePassword'>;
  /** Of a local user's password as it was: another one ends this. */
  readonly password: string | undefined;
  readonly challenge: string | undefined;
  readonly until: number;
}

/** Milliseconds for the second step. */
const PATIENCE = 5 * 60_000;
const LABEL = 'second step';

/** Where the browser shows this console: its own address or the public one, whichever the page has. */
export function siteFor({ settings }: SignIn, request: FastifyRequest): Site {
  const own = `${request.protocol}://${request.host}`;
  const { origin } = request.headers;
  const isOurs = origin !== undefined && [own, settings.publicOrigin].includes(origin);
  return siteOf(isOurs ? origin : (settings.publicOrigin ?? own));
}

/** Begins the second step of a sign-in. Undefined if there is none, and the session may begin. */
export async function secondStep(
  signIn: SignIn,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
  { name, via, roles, scope, mustChangePassword }: Identity,
): Promise<Asked | undefined> {
  const asked = await signIn.factors.asked({ name, via, roles }, siteFor(signIn, request));
  if (asked === undefined) return undefined;
  const pending: Pending = {
    identity: { name, via, roles, scope, mustChangePassword },
    password: await printOf(signIn, name, via),
    challenge: asked.passkey?.challenge,
    until: Date.now() + PATIENCE,
  };
  const sealed = signIn.factors.seal.seal(LABEL, JSON.stringify(pending));
  setCookie(request, reply, signIn.cookies.step, sealed);
  return asked;
}

/** Who waits for the second step, as they are now. Throws a SignInRefusal if nobody does, or does no longer. */
export async function pendingOf(
  signIn: SignIn,
  request: FastifyRequest,
): Promise<{ readonly identity: Identity; readonly challenge: string | undefined }> {
  const sealed = cookieOf(request, cookieName(request, signIn.cookies.step)) ?? '';
  const text = signIn.factors.seal.open(LABEL, sealed);
  const { identity, password, challenge, until } = JSON.parse(text ?? '{"until":0}') as Pending;
  if (until < Date.now()) throw tooLate();
  const { name, via } = identity;
  const stillHolds = async (): Promise<boolean> => (await printOf(signIn, name, via)) === password;
  if (via !== 'local') return { identity: { ...identity, stillHolds }, challenge };
  const user = await signIn.users.current(name);
  if (user === undefined || !(await stillHolds())) throw changedMeanwhile();
  return { identity: { ...localIdentity(user, via), stillHolds }, challenge };
}

/** What begins without a second factor, while one is set up elsewhere, must not outlive that. */
export function withoutFactor({ factors }: SignIn, identity: Identity): Identity {
  const { stillHolds } = identity;
  if (!factors.mayHave(identity)) return identity;
  return {
    ...identity,
    stillHolds: async () =>
      (await stillHolds?.()) !== false &&
      (await factors.store.kinds(ownerOf(identity))).length === 0,
  };
}

async function printOf({ users }: SignIn, name: string, via: string): Promise<string | undefined> {
  if (via !== 'local') return undefined;
  const user = await users.find(name);
  return createHash('sha256')
    .update(user?.password ?? '')
    .digest('base64url');
}

function tooLate(): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'the password was typed too long ago: begin again' },
    'second factor: no sign-in of this browser is waiting for it, or for longer than 5 minutes',
    'begin again with name and password; the browser has to accept cookies',
  );
}
