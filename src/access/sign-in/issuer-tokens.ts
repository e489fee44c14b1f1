import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { claimAt } from '../../message/caller.ts';
import { trustingFetch } from '../../peer/provider-fetch.ts';
import { publishedKeys, UnusableKey } from '../../peer/published-keys.ts';
import type { Identity } from '../rights/principal-for.ts';
import type { IssuerSettings } from './console-schema.ts';
import { mappedIdentity } from './mapped-identity.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** Checks a token that came from `header` or `cookie:NAME`, by the clock or as of a time. Rejects with a SignInRefusal that names the check that failed. */
export type IssuerTokens = (token: string, from: string, at?: number) => Promise<Identity>;

const CLOCK_SKEW = 30;

/**
 * Issuer, audience and algorithms come from `console.yaml`, never from the token: so neither `none` nor a
 * public key used as a shared secret gets in.
 */
export function issuerTokens(issuers: readonly IssuerSettings[]): IssuerTokens {
  const known = issuers.map((settings) => ({
    settings,
    keys: publishedKeys(new URL(settings.jwks), {
      ask: settings.trust === undefined ? undefined : trustingFetch(settings.trust),
    }),
  }));
  return async (token, from, at) => {
    const told = said(token);
    const one = known.find(({ settings }) => settings.issuer === told.issuer);
    if (one === undefined) {
      throw SignInRefusal.token(
        `the issuer ${told.issuer} of the token is not known here`,
        `compare, letter by letter, with tokens.issuer: ${issuers.map(({ issuer }) => issuer).join(', ')}`,
      );
    }
    const { settings, keys } = one;
    if (!(settings.from ?? ['header']).includes(from)) {
      throw SignInRefusal.token(
        `tokens of ${settings.issuer} are not accepted from ${from}`,
        'set tokens.from',
      );
    }
    if (!settings.algorithms.some((algorithm) => algorithm === told.algorithm)) {
      throw SignInRefusal.token(
        `the token is signed with ${told.algorithm}, which is not accepted`,
        `set tokens.algorithms to what the issuer signs with; it is ${settings.algorithms.join(', ')}`,
      );
    }
    const { issuer, audience } = settings;
    const algorithms = [...settings.algorithms];
    const rules = {
      issuer,
      audience,
      algorithms,
      clockTolerance: CLOCK_SKEW,
      requiredClaims: ['exp'],
      ...(at === undefined ? {} : { currentDate: new Date(at) }),
    };
    const { payload } = await keys
      .checked(() => jwtVerify(token, keys, rules))
      .catch((error: unknown) => {
        throw refusal(error, settings);
      });
    checkScopes(payload, settings);
    return mappedIdentity((path) => claimAt(payload, path), settings, {
      via: 'bearer',
      defaultUser: 'sub',
    });
  };
}

/** What the token claims about itself, used only to find its issuer. */
function said(token: string): { readonly issuer: string; readonly algorithm: string } {
  try {
    const { alg = 'none' } = decodeProtectedHeader(token);
    const { iss = 'none' } = decodeJwt(token);
    return { issuer: iss.slice(0, 200), algorithm: alg.slice(0, 20) };
  } catch {
    throw SignInRefusal.token(
      'this is not a signed JSON Web Token',
      'send the access token, not an encrypted or opaque one; own tokens begin with wb_',
    );
  }
}

function checkScopes(payload: JWTPayload, { requiredScopes = [] }: IssuerSettings): void {
  const { scope, scp } = payload as { scope?: unknown; scp?: unknown };
  const given = [scope, scp]
    .flat()
    .flatMap((one) => (typeof one === 'string' ? one.split(' ') : []));
  const missing = requiredScopes.filter((one) => !given.includes(one));
  if (missing.length === 0) return;
  throw new SignInRefusal(
    {
      status: 403,
      text: `the token lacks the scope ${missing.join(' ')}`,
      challenge: `Bearer error="insufficient_scope", scope="${requiredScopes.join(' ')}"`,
    },
    `the token has the scopes ${given.join(' ') || 'none'} and lacks ${missing.join(' ')}`,
    'make the client request it, and the issuer grant it',
  );
}

function refusal(error: unknown, { issuer, audience, jwks }: IssuerSettings): SignInRefusal {
  if (error instanceof errors.JWTExpired) {
    return SignInRefusal.token(
      'the token has expired',
      'get a new one; if it is new, compare the clocks',
    );
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const expected = error.claim === 'aud' ? `; expected is ${audience}` : '';
    return SignInRefusal.token(
      `the claim ${error.claim} of the token is ${error.reason === 'missing' ? 'missing' : 'not the expected one'}`,
      `the token may be meant for somebody else${expected}`,
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return SignInRefusal.token(
      'the signature of the token is wrong',
      `it was not signed by a key of ${issuer}`,
    );
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return SignInRefusal.token(
      'the key that signed the token is not published',
      `compare the token's kid with ${jwks}`,
    );
  }
  if (error instanceof UnusableKey) {
    return SignInRefusal.token(
      'the key that signed the token is published, but is broken, or shorter than 2048 bits',
      `have ${issuer} publish another key`,
    );
  }
  if (error instanceof errors.JOSEError) {
    return SignInRefusal.token(
      `the token is not one that can be checked here (${REASONS[error.code] ?? error.code})`,
      'have the issuer leave out what is not usual; send the access token, not another one',
    );
  }
  return SignInRefusal.away(
    'the issuer of this token',
    `the keys of ${issuer} cannot be fetched`,
    `check that ${jwks} can be reached from here and answers with keys; an authority of your own goes under tokens.trust`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_JOSE_NOT_SUPPORTED: 'its header demands what is not known here: crit, b64 or the kind of key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'it does not say which of the published keys signed it: kid',
  ERR_JWT_INVALID: 'what is signed is no JSON object with claims',
};
