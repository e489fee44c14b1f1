import {
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import {
  calculateJwkThumbprint,
  errors,
  exportJWK,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
  SignJWT,
} from 'jose';
import { isEngineError } from '../../error/engine-error.ts';
import { KeysAway, type PublishedKeys } from '../../peer/published-keys.ts';
import type { Clock } from '../../time/clock.ts';
import { describeDuration } from '../../time/duration.ts';
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
  /** Milliseconds since 1970, instead of now: so that a token can be made again. */
  readonly at?: number;
  /** Instead of a random `jti`. */
  readonly id?: string;
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
  /** The public halves of the keys that it signs with and accepts, with their ids; none for a shared secret. */
  published(): Promise<readonly JWK[]>;
  /** A key of 32 bytes for one purpose, made of the key that signs. Rejects with CREDENTIAL_MISSING without one. */
  derived(purpose: string): Promise<Uint8Array>;
  /** Every check of a token, for a person who looks for what is wrong with it. Never rejects because of the token. */
  inspect(token: string): Promise<TokenReport>;
}

export interface JwtLent {
  readonly credential: string;
  readonly clock: Clock;
  /** The published keys behind `jwksUrl`. */
  readonly published: PublishedKeys | undefined;
}

/** Reads the keys as they are now and checks that they fit the algorithm. */
export async function jwt(values: JwtKeyValues, lent: JwtLent): Promise<Jwt> {
  const { credential, clock, published } = lent;
  const { signing, verifying, publicKeys } = await keysOf(values, lent);
  const own = (): NonNullable<Keys['signing']> => {
    if (signing !== undefined) return signing;
    throw new CredentialError('CREDENTIAL_MISSING', credential, {
      cause: 'it has no key to sign with, only one to verify with',
      remedy: 'Set privateKey',
    });
  };
  return {
    async sign(claims, options = {}) {
      return signed(claims, { ...options, values, signing: own(), now: clock.now() });
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
        const check = (): Promise<JWTVerifyResult> =>
          typeof key === 'function' ? jwtVerify(token, key, rules) : jwtVerify(token, key, rules);
        const { payload } = await (key === published ? published.checked(check) : check());
        return payload;
      } catch (error) {
        if (error instanceof KeysAway) throw keysAway(credential, error);
        if (error instanceof errors.JOSEError)
          throw jwtRefusal(credential, error, { values, now: clock.now() });
        throw error;
      }
    },
    published: () => Promise.resolve(publicKeys),
    derived: async (purpose) => derivedKey(own().key, purpose),
    inspect: (token) =>
      tokenReport(token, { values, key: verifying ?? published, now: clock.now() }),
  };
}

function derivedKey(key: KeyObject, purpose: string): Uint8Array {
  const secret =
    key.type === 'secret' ? key.export() : key.export({ type: 'pkcs8', format: 'der' });
  return new Uint8Array(hkdfSync('sha256', secret, '', `waybill ${purpose}`, 32));
}

interface Keys {
  readonly signing: { readonly key: KeyObject; readonly keyId: string | undefined } | undefined;
  readonly verifying: KeyObject | JWTVerifyGetKey | undefined;
  readonly publicKeys: readonly JWK[];
}

async function keysOf(values: JwtKeyValues, { credential }: JwtLent): Promise<Keys> {
  if (values.secret !== undefined) {
    const key = sharedSecret(credential, values.secret);
    return { signing: { key, keyId: values.keyId }, verifying: key, publicKeys: [] };
  }
  const { key, verifying } = await currentKeys(values, credential);
  for (const one of [key, verifying]) checkFit(credential, one, values.algorithm);
  const shown = key ?? verifying;
  const keyId = values.keyId ?? (shown && (await thumbprint(shown)));
  const signing = key && { key, keyId };
  const others = await furtherKeys(values, credential);
  const current = verifying && keyId !== undefined ? [{ key: verifying, keyId }] : [];
  const all = [...current, ...others];
  return {
    signing,
    verifying: others.length === 0 ? verifying : amongKeys(all),
    publicKeys: await Promise.all(all.map((one) => publishedKey(one, values.algorithm))),
  };
}

/** The key that signs, and the one that its tokens are checked with. */
async function currentKeys(
  values: JwtKeyValues,
  credential: string,
): Promise<{ readonly key: KeyObject | undefined; readonly verifying: KeyObject | undefined }> {
  const own = values.privateKey && (await readPem(credential, 'privateKey', values.privateKey));
  const key =
    own && privateKey(credential, 'privateKey', { ...own, passphrase: values.passphrase });
  const other = values.publicKey && (await readPem(credential, 'publicKey', values.publicKey));
  const derived = key && values.jwksUrl === undefined ? createPublicKey(key) : undefined;
  return { key, verifying: other === undefined ? derived : publicKey(credential, other.text) };
}

interface NamedKey {
  readonly key: KeyObject;
  readonly keyId: string;
}

async function furtherKeys(
  { alsoAccept, algorithm }: JwtKeyValues,
  credential: string,
): Promise<readonly NamedKey[]> {
  return Promise.all(
    alsoAccept.map(async (pem) => {
      const key = publicKey(credential, (await readPem(credential, 'alsoAccept', pem)).text);
      checkFit(credential, key, algorithm);
      return { key, keyId: await thumbprint(key) };
    }),
  );
}

async function publishedKey({ key, keyId }: NamedKey, algorithm: string): Promise<JWK> {
  return { ...(await exportJWK(key)), kid: keyId, alg: algorithm, use: 'sig' };
}

/** The key that a token names; the first for a token that names none. */
function amongKeys(keys: readonly NamedKey[]): JWTVerifyGetKey {
  return async ({ kid }) => {
    const found = kid === undefined ? keys[0] : keys.find(({ keyId }) => keyId === kid);
    if (found === undefined) throw new errors.JWKSNoMatchingKey();
    return found.key;
  };
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
  const shared = key.type === 'private' ? createPublicKey(key) : key;
  return calculateJwkThumbprint(await exportJWK(shared));
}

interface Signing extends JwtSignOptions {
  readonly values: JwtKeyValues;
  readonly signing: NonNullable<Keys['signing']>;
  readonly now: number;
}

function signed(claims: JwtClaims, { values, signing, now, ...options }: Signing): Promise<string> {
  const { algorithm: alg, lifetime } = values;
  const iat = Math.floor((options.at ?? now) / 1_000);
  const payload: JWTPayload = {
    ...claims,
    iat,
    exp: iat + Math.ceil((options.lifetime ?? lifetime) / 1_000),
    jti: options.id ?? randomUUID(),
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

interface Judged {
  readonly values: JwtKeyValues;
  readonly now: number;
}

type Explain = (judged: Judged, error: errors.JOSEError) => readonly [string, string];

const REFUSALS: Readonly<Record<string, Explain>> = {
  ERR_JWT_EXPIRED: (judged, error) => [
    `the token has expired (exp)${since(error, 'exp', judged)}`,
    'Have a new one made; if it is new, compare the clocks of both machines',
  ],
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: ({ values: { algorithm } }) => [
    `the signature of the token does not belong to this key (${algorithm})`,
    'Ask the signer for the key in use now; the token may also have been changed in transit',
  ],
  ERR_JOSE_ALG_NOT_ALLOWED: ({ values: { algorithm } }) => [
    `the token is not signed with ${algorithm} (alg)`,
    'Set algorithm to what the signer uses; never trust the token for that',
  ],
  ERR_JWT_CLAIM_VALIDATION_FAILED: (judged, error) => claimText(error, judged),
  ERR_JWKS_NO_MATCHING_KEY: () => [
    'the key that the token names (kid) is not among those the signer publishes',
    'Check jwksUrl; the signer must publish a key before it signs with it',
  ],
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: () => [
    'the token does not say which of the published keys (kid) signed it',
    'Have the signer put the id of the key (kid) into the header',
  ],
  ERR_JOSE_NOT_SUPPORTED: () => [
    'the header of the token demands what is not known here (crit, b64, or the kind of key)',
    'Have the signer leave it out',
  ],
  ERR_KEY_UNUSABLE: ({ values: { algorithm } }) => [
    `the key that the token names (kid) is published, but cannot be used for ${algorithm}: it is broken, or shorter than 2048 bits`,
    'Have the signer publish another key',
  ],
  ERR_JWT_INVALID: () => [
    'what is signed is no JSON object with claims',
    'Have the signer put its claims into the token itself, not another token',
  ],
};

/** Not the token's fault: it can be tried again. */
function keysAway(credential: string, { message, cause }: KeysAway): Error {
  if (isEngineError(cause)) return cause;
  return new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
    cause: `${message}, so no token can be checked`,
    remedy:
      'Check that jwksUrl leads to a set of public keys (JWKS), and that it can be reached from here',
    retryable: true,
  });
}

/** Why a token was refused. Never contains a part of the token: jose's errors contain its claims. */
function jwtRefusal(credential: string, error: errors.JOSEError, judged: Judged): CredentialError {
  const [cause, remedy] = REFUSALS[error.code]?.(judged, error) ?? [
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

function claimText(error: errors.JOSEError, judged: Judged): readonly [string, string] {
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return ['a claim is wrong', 'Ask the signer'];
  const what = CLAIMS[error.claim] ?? 'required claim';
  if (error.reason === 'missing') {
    return [`the token has no ${what} (${claimName(error)})`, 'Have the signer add it'];
  }
  if (error.claim === 'nbf') {
    return [
      `the token is not valid yet (nbf)${since(error, 'nbf', judged)}`,
      'Compare the clocks of both machines',
    ];
  }
  const remedy =
    'Compare it with what the signer puts in; the token may be meant for another service';
  return [`the ${what} (${claimName(error)}) of the token is not the one expected`, remedy];
}

/** By how much a time is missed, as seen by this machine's clock, and what is allowed. */
function since(
  error: errors.JOSEError,
  claim: 'exp' | 'nbf',
  { values: { clockSkew }, now }: Judged,
): string {
  const { payload } = error as { payload?: JWTPayload };
  const at = payload?.[claim];
  if (typeof at !== 'number') return '';
  // longer than a year is a mistake of the unit, and its length says so
  const off = describeDuration(Math.ceil(Math.abs(now - at * 1_000) / 1_000) * 1_000);
  const allowed = `clocks may differ by ${describeDuration(clockSkew)} (clockSkew)`;
  return claim === 'exp' ? `: ${off} ago, and ${allowed}` : `: for another ${off}, and ${allowed}`;
}

const claimName = ({ claim }: errors.JWTClaimValidationFailed): string => claim.slice(0, 40);
