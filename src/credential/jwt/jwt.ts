import { createPublicKey, createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  errors,
  exportJWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Clock } from '../../time/clock.ts';
import { CredentialError } from '../credential-error.ts';
import { keyMisfit } from '../key-misfit.ts';
import type { JwtKeyValues } from '../kind/jwt-key-settings.ts';
import { privateKey, readPem } from '../read-pem.ts';
import { type TokenReport, tokenReport } from './token-report.ts';

export type JwtClaims = Readonly<Record<string, unknown>>;

export interface JwtSignOptions {
  /** Instead of the key's. */
  readonly subject?: string;
  readonly audience?: string;
  readonly issuer?: string;
  /** Milliseconds, instead of the key's. */
  readonly lifetime?: number;
}

export interface JwtVerifyOptions {
  /** Instead of the key's. If there are several, one of them is enough. */
  readonly audience?: string | readonly string[];
  readonly issuer?: string;
  /** Claims that are required besides `exp`. */
  readonly required?: readonly string[];
}

/** Signs and verifies JSON Web Tokens with one key of the production. */
export interface Jwt {
  /** Adds `iat`, `exp` and `jti`, and the key's issuer and audience. */
  sign(claims: JwtClaims, options?: JwtSignOptions): Promise<string>;
  /**
   * The claims of a valid token. Rejects with CREDENTIAL_REFUSED, which names the check that
   * failed: signature, algorithm (only the key's own; never `none`), expiry (a token without is
   * refused), issuer, audience.
   */
  verify(token: string, options?: JwtVerifyOptions): Promise<JwtClaims>;
  /** Every check of a token, for a person who looks for what is wrong with it. Never rejects because of the token. */
  inspect(token: string): Promise<TokenReport>;
}

export interface JwtLent {
  readonly credential: string;
  readonly clock: Clock;
  /** The published keys behind `jwksUrl`. */
  readonly published: JWTVerifyGetKey | undefined;
}

/** Reads the keys as they are now and checks that they fit the algorithm. */
export async function jwt(values: JwtKeyValues, lent: JwtLent): Promise<Jwt> {
  const { credential, clock, published } = lent;
  const { signing, verifying } = await keysOf(values, lent);
  return {
    async sign(claims, options = {}) {
      if (signing === undefined) {
        throw new CredentialError('CREDENTIAL_MISSING', credential, {
          cause: 'it has no key to sign with, only one to verify with',
          remedy: 'Set privateKey',
        });
      }
      return signed(claims, { ...options, values, signing, now: clock.now() });
    },
    async verify(token, options = {}) {
      const key = verifying ?? published;
      if (key === undefined) {
        throw new CredentialError('CREDENTIAL_MISSING', credential, {
          cause: 'it has no key to verify with',
          remedy: 'Set publicKey or jwksUrl',
        });
      }
      try {
        const rules = rulesOf(values, options, clock.now());
        const { payload } =
          typeof key === 'function'
            ? await jwtVerify(token, key, rules)
            : await jwtVerify(token, key, rules);
        return payload;
      } catch (error) {
        if (error instanceof errors.JOSEError) throw jwtRefusal(credential, error, values);
        throw error;
      }
    },
    inspect: (token) =>
      tokenReport(token, { values, key: verifying ?? published, now: clock.now() }),
  };
}

interface Keys {
  readonly signing: { readonly key: KeyObject; readonly keyId: string | undefined } | undefined;
  readonly verifying: KeyObject | undefined;
}

async function keysOf(values: JwtKeyValues, { credential }: JwtLent): Promise<Keys> {
  if (values.secret !== undefined) {
    const key = sharedSecret(credential, values.secret);
    return { signing: { key, keyId: values.keyId }, verifying: key };
  }
  const own = values.privateKey && (await readPem(credential, 'privateKey', values.privateKey));
  const key =
    own && privateKey(credential, 'privateKey', { ...own, passphrase: values.passphrase });
  const other = values.publicKey && (await readPem(credential, 'publicKey', values.publicKey));
  const derived = key && values.jwksUrl === undefined ? createPublicKey(key) : undefined;
  const verifying = other === undefined ? derived : publicKey(credential, other.text);
  for (const one of [key, verifying]) checkFit(credential, one, values.algorithm);
  const keyId = values.keyId ?? (key && (await thumbprint(key)));
  return { signing: key && { key, keyId }, verifying };
}

/** Using a public key as a secret is how tokens are forged: anybody has it. */
function sharedSecret(credential: string, secret: string): KeyObject {
  if (!secret.includes('-----BEGIN ')) return createSecretKey(Buffer.from(secret));
  throw new CredentialError('CREDENTIAL_REFUSED', credential, {
    cause: 'the shared secret is a PEM key or certificate',
    remedy: 'Set publicKey or privateKey and the algorithm of that key',
  });
}

function publicKey(credential: string, text: string): KeyObject {
  try {
    return createPublicKey(text);
  } catch {
    throw new CredentialError('CREDENTIAL_REFUSED', credential, {
      cause: 'publicKey is neither a public key nor a certificate',
      remedy: 'Give PEM that begins with -----BEGIN PUBLIC KEY----- or CERTIFICATE',
    });
  }
}

function checkFit(credential: string, key: KeyObject | undefined, algorithm: string): void {
  const misfit = key && keyMisfit(key, algorithm);
  if (misfit !== undefined) throw new CredentialError('CREDENTIAL_REFUSED', credential, misfit);
}

async function thumbprint(key: KeyObject): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(createPublicKey(key)));
}

interface Signing extends JwtSignOptions {
  readonly values: JwtKeyValues;
  readonly signing: NonNullable<Keys['signing']>;
  readonly now: number;
}

function signed(claims: JwtClaims, { values, signing, now, ...options }: Signing): Promise<string> {
  const { algorithm: alg, lifetime } = values;
  const iat = Math.floor(now / 1_000);
  const payload: JWTPayload = {
    ...claims,
    iat,
    exp: iat + Math.ceil((options.lifetime ?? lifetime) / 1_000),
    jti: randomUUID(),
  };
  const { subject = values.subject, issuer = values.issuer, audience = values.audience } = options;
  if (subject !== undefined) payload.sub = subject;
  if (issuer !== undefined) payload.iss = issuer;
  if (audience !== undefined) payload.aud = audience;
  const { key, keyId } = signing;
  return new SignJWT(payload)
    .setProtectedHeader({ alg, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .sign(key);
}

function rulesOf(values: JwtKeyValues, options: JwtVerifyOptions, now: number): JWTVerifyOptions {
  const { issuer = values.issuer, audience = values.audience, required = [] } = options;
  return {
    algorithms: [values.algorithm],
    currentDate: new Date(now),
    clockTolerance: values.clockSkew / 1_000,
    requiredClaims: ['exp', ...required],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience: [audience].flat() }),
  };
}

type Explain = (values: JwtKeyValues, error: errors.JOSEError) => readonly [string, string];

const REFUSALS: Readonly<Record<string, Explain>> = {
  ERR_JWT_EXPIRED: () => [
    'the token has expired',
    'Have a new one made; if it is new, compare the clocks of both machines',
  ],
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: ({ algorithm }) => [
    `the signature of the token does not belong to this key (${algorithm})`,
    'Ask the signer for the key in use now; the token may also have been changed in transit',
  ],
  ERR_JOSE_ALG_NOT_ALLOWED: ({ algorithm }) => [
    `the token is not signed with ${algorithm}`,
    'Set algorithm to what the signer uses; never trust the token for that',
  ],
  ERR_JWT_CLAIM_VALIDATION_FAILED: (_, error) => claimText(error),
  ERR_JWKS_NO_MATCHING_KEY: () => [
    'the key that the token names is not among those the signer publishes',
    'Check jwksUrl; the signer must publish a key before it signs with it',
  ],
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: () => [
    'the token does not say which of the published keys signed it',
    'Have the signer put the id of the key (kid) into the header',
  ],
  ERR_JWKS_INVALID: () => ['jwksUrl does not lead to a set of keys', 'Correct jwksUrl'],
};

/** Why a token was refused. Never contains a part of the token: jose's errors contain its claims. */
function jwtRefusal(
  credential: string,
  error: errors.JOSEError,
  values: JwtKeyValues,
): CredentialError {
  const [cause, remedy] = REFUSALS[error.code]?.(values, error) ?? [
    'the text is not a signed JSON Web Token',
    'It must have three parts separated by dots; an encrypted one has five and is not accepted',
  ];
  return new CredentialError('CREDENTIAL_REFUSED', credential, { cause, remedy });
}

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'issuer',
  aud: 'audience',
  nbf: 'first moment of validity',
  exp: 'expiry',
};

function claimText(error: errors.JOSEError): readonly [string, string] {
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return ['a claim is wrong', 'Ask the signer'];
  const what = CLAIMS[error.claim] ?? 'required claim';
  if (error.reason === 'missing') {
    return [`the token has no ${what} (${claimName(error)})`, 'Have the signer add it'];
  }
  if (error.claim === 'nbf') {
    return ['the token is not valid yet', 'Compare the clocks of both machines'];
  }
  const remedy =
    'Compare it with what the signer puts in; the token may be meant for another service';
  return [`the ${what} (${claimName(error)}) of the token is not the one expected`, remedy];
}

const claimName = ({ claim }: errors.JWTClaimValidationFailed): string => claim.slice(0, 40);
