import type { Lent } from '../../adapter/adapter.ts';
import type * as setting from '../../adapter/setting.ts';
import { type Step, StepFailure } from '../../adapter/test-step.ts';
import { claimAt } from '../../message/caller.ts';
import { Refusal } from '../http-server/refusal.ts';
import { kept } from '../kept.ts';
import type { SignedOut } from '../oidc/logout-token.ts';
import {
  type OidcAnswer,
  type OidcClient,
  type OidcClientSettings,
  oidcClient,
} from '../oidc/oidc-client.ts';
import { OidcProblem, toldInOidcStep } from '../oidc/oidc-problem.ts';
import type { ProviderValues } from './provider-settings.ts';
import { scopeClaim } from './scope-map.ts';
import { ownClaims, type User } from './user.ts';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'signal'>;

/** The client of a service at its provider; its secret is read again now and then. */
export function providerClient(
  { credential, signal }: LentHere,
  {
    issuer,
    clientId,
    clientSecret,
    trust,
    ask,
    clockSkew,
  }: Pick<ProviderValues, 'issuer' | 'clientId' | 'clientSecret' | 'trust' | 'ask' | 'clockSkew'>,
  callback: string,
  more: Partial<Pick<OidcClientSettings, 'name' | 'isSmart' | 'assertion'>> = {},
): () => Promise<OidcClient> {
  let known: { readonly secret: string | undefined; readonly client: OidcClient } | undefined;
  return kept(async () => {
    const found = clientSecret === undefined ? undefined : await credential(clientSecret);
    const secret =
      found?.kind === 'bearer' ? await found.token(signal, { fresh: true }) : undefined;
    if (known !== undefined && known.secret === secret) return known.client;
    const client = oidcClient({
      name: 'signIn.oidc',
      issuer: issuer.href,
      clientId,
      clientSecret: secret,
      trust,
      scopes: ask,
      clockSkew,
      callback,
      ...more,
    });
    known = { secret, client };
    return client;
  });
}

/** The claims that are needed of the provider. */
export const neededClaims = ({ user, claims, groupsFrom }: ProviderValues): readonly string[] =>
  [user, groupsFrom, ...claims].filter((one) => one !== undefined);

/** A name is in the trace, in lists and on terminals. */
const NAME = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u;

/** Who somebody is here by what the provider says. Throws the Refusal of one whose name or groups are missing. */
function providerUser(
  told: Readonly<Record<string, unknown>>,
  { user, claims, groupsFrom, scopes }: ProviderValues,
): User {
  const from = user ?? ('preferred_username' in told ? 'preferred_username' : 'sub');
  const name = claimAt(told, from);
  if (typeof name !== 'string' || !NAME.test(name.trim())) {
    throw unusable(`the claim ${from} has no name; set user to the claim that has it`);
  }
  const groups = groupsFrom === undefined ? [] : groupsIn(told, groupsFrom);
  const own = new Set(groups);
  const chosen = claims.flatMap((path) => {
    const value = claimAt(told, path);
    return value === undefined ? [] : [[path, value] as const];
  });
  return {
    name: name.trim(),
    claims: ownClaims({
      ...Object.fromEntries(chosen),
      ...scopeClaim(scopes, (group) => own.has(group)),
    }),
    proof: '',
  };
}

function groupsIn(told: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const value = claimAt(told, path);
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string');
  if (typeof value === 'string') return value.split(/[,\s]+/);
  // Entra ID leaves out the groups of whoever has more than 200, and says so by one of these
  const names: unknown = told['_claim_names'];
  const isOverage =
    told['hasgroups'] === true || Object.hasOwn(Object(names) as object, path.split('.')[0] ?? '');
  throw unusable(
    isOverage
      ? `the provider leaves out ${path}, as this person has too many groups; have it send app roles, or only groups that are assigned to the application`
      : `the claim ${path} with the groups is missing; have the provider put it into the ID token or userinfo`,
  );
}

const unusable = (why: string): Refusal =>
  new Refusal(403, 'You are known, but may not use this. Ask those who run it.', {
    told: `somebody was signed in by the provider, but ${why}`,
  });

/** What is answered where the provider did not do what it should; operators see why. */
export function providerRefusal(error: unknown): unknown {
  if (!(error instanceof OidcProblem)) return error;
  const told = `signing in at the provider did not work: ${error.why}; ${error.remedy}`;
  if (error.kind === 'token') return new Refusal(400, 'This token is not accepted.', { told });
  if (error.kind === 'away') {
    return new Refusal(503, 'Nobody can be signed in now. Try again soon.', {
      headers: { 'retry-after': '5' },
      told,
    });
  }
  return new Refusal(401, 'The sign-in did not work. Those who run this can see why.', { told });
}

/** The steps of a test: what the provider says of itself, whether it knows the client, and the address it sends browsers to. */
export async function tryProvider(
  lent: LentHere,
  step: Step,
  values: ProviderValues,
  redirect: string | undefined,
): Promise<void> {
  const client = await providerClient(lent, values, redirect ?? '<publicUrl>/auth/callback')();
  await step('provider', (detail) =>
    toldInOidcStep(async () => {
      const told = await client.configuration();
      const methods = told.code_challenge_methods_supported;
      if (methods !== undefined && !methods.includes('S256')) {
        throw new StepFailure('it does not offer PKCE with S256', 'Have it switched on there');
      }
      const out = told.end_session_endpoint === undefined ? 'none' : 'there too';
      detail(`${told.issuer}, keys at ${told.jwks_uri ?? 'no address'}, sign-out ${out}`);
    }),
  );
  await step('client', (detail) =>
    toldInOidcStep(async () => {
      await client.tryClient(redirect);
      detail(`${values.clientId} is known, with its secret`);
    }),
  );
  if (redirect === undefined) return;
  await step('redirect', (detail) =>
    toldInOidcStep(async () => {
      await client.tryRedirect(redirect);
      detail(`${redirect} is not refused before a sign-in`);
    }),
  );
}

/** What a sign-in of the provider keeps with it: for the next tokens, and for signing out there too. */
interface ProviderGrant {
  readonly issuer: string;
  readonly claims: User['claims'];
  readonly sub: string;
  readonly sid: string | undefined;
  readonly idToken: string | undefined;
}

/** Kept in a grant under this name. */
const PROVIDER = 'waybill:provider';

/** Who the provider says that somebody is, and what their sign-in keeps. Throws as `providerUser`. */
export function providerPerson(
  { claims, idToken }: OidcAnswer,
  values: ProviderValues,
): { readonly user: User; readonly kept: { readonly [PROVIDER]: ProviderGrant } } {
  const user = providerUser(claims, values);
  const { sub, sid } = claims;
  const grant: ProviderGrant = {
    issuer: values.issuer.href,
    claims: user.claims,
    sub: String(sub),
    sid: typeof sid === 'string' ? sid : undefined,
    idToken,
  };
  return { user, kept: { [PROVIDER]: grant } };
}

/** Whether a sign-in is among those that the provider has signed out. */
export function isSignedOutThere(
  claims: Readonly<Record<string, unknown>>,
  { issuer }: ProviderValues,
  { sub, sid }: SignedOut,
): boolean {
  const told = providerGrant(claims);
  if (told?.issuer !== issuer.href) return false;
  return (sub === undefined || told.sub === sub) && (sid === undefined || told.sid === sid);
}

/** What a sign-in at the provider has kept. */
export const providerGrant = (
  claims: Readonly<Record<string, unknown>>,
): ProviderGrant | undefined => claims[PROVIDER] as ProviderGrant | undefined;
