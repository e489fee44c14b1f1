import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { ProviderFetch } from '../provider-fetch.ts';
import { publishedKeys } from '../published-keys.ts';
import { OidcProblem } from './oidc-problem.ts';

/** What a provider has signed out: all sessions of a subject, or one of them. */
export interface SignedOut {
  readonly sub: string | undefined;
  readonly sid: string | undefined;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
const CLOCK_SKEW = 30;
const OLDEST = '5m';
/** Longer than a token is accepted. */
const REMEMBERED = 7 * 60_000;

/**
 * Checks the token by which a provider says that somebody has signed out (OpenID Connect Back-Channel
 * Logout 1.0, 2.6). Rejects with an OidcProblem that names the check that failed.
 */
export function logoutTokens(
  keysAt: URL,
  {
    issuer,
    audience,
    ask,
  }: {
    readonly issuer: string;
    readonly audience: string;
    readonly ask?: ProviderFetch | undefined;
  },
): (token: string) => Promise<SignedOut> {
  const keys = publishedKeys(keysAt, { ask });
  const used = new Map<string, number>();
  /** A token counts once, so that an intercepted one cannot be used to sign somebody out repeatedly. */
  const once = (jti: string): void => {
    const now = Date.now();
    // in the order in which they expire
    for (const [id, until] of used) {
      if (until >= now) break;
      used.delete(id);
    }
    if (used.has(jti)) throw refused('it was already used');
    used.set(jti, now + REMEMBERED);
  };
  return async (token) => {
    const rules = {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_SKEW,
      maxTokenAge: OLDEST,
      requiredClaims: ['iat', 'jti'],
    };
    const { payload } = await keys
      .checked(() => jwtVerify(token, keys, rules))
      .catch((error: unknown) => {
        throw refused(error instanceof errors.JOSEError ? error.code : 'its keys were not read');
      });
    const out = signedOutBy(payload);
    once(payload.jti ?? '');
    return out;
  };
}

function signedOutBy({ sub, sid, events, nonce }: JWTPayload): SignedOut {
  if (typeof events !== 'object' || events === null || !(EVENT in events)) {
    throw refused('it is not a logout token');
  }
  if (nonce !== undefined) throw refused('it has a nonce, as ID tokens have');
  const session = typeof sid === 'string' ? sid : undefined;
  if (sub === undefined && session === undefined) throw refused('it names neither sub nor sid');
  return { sub, sid: session };
}

/** Whether a session that began with this ID token is meant. */
export function isSignedOut(idToken: string, { sub, sid }: SignedOut): boolean {
  const of = decodeJwt(idToken);
  return (sub === undefined || of.sub === sub) && (sid === undefined || of['sid'] === sid);
}

function refused(why: string): OidcProblem {
  return new OidcProblem({
    kind: 'token',
    why: `a logout token was refused: ${why}`,
    remedy: 'compare issuer and clientId with the provider’s client, and the clocks',
  });
}
