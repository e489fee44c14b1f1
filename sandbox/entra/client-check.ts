import { createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { EntraApplication } from './entra-application.ts';
import { type EntraRefusal, entraRefusal } from './entra-refusal.ts';

export interface ClientCheck {
  readonly form: URLSearchParams;
  /** The allowed audiences of an assertion. */
  readonly audiences: readonly string[];
  readonly now: number;
}

/** How the client authenticated, for `appidacr` of the token: 1 secret, 2 certificate or assertion. */
export type ClientProof = '1' | '2';

/** Checks the client like Entra, in the same order. */
export async function checkClient(
  application: EntraApplication,
  check: ClientCheck,
): Promise<ClientProof | EntraRefusal> {
  const { form, now } = check;
  const { clientId, name = clientId, disabled = false } = application;
  if (disabled) return entraRefusal(7000112, { clientId, name });
  const secret = form.get('client_secret');
  if (secret !== null) return checkSecret(application, secret, now);
  const assertion = form.get('client_assertion');
  if (assertion === null) return entraRefusal(7000216);
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    return entraRefusal(900144, { parameter: 'client_assertion_type' });
  }
  return checkAssertion(application, assertion, check);
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function checkSecret(
  { clientId, secrets = [] }: EntraApplication,
  given: string,
  now: number,
): ClientProof | EntraRefusal {
  const known = secrets.find(({ value }) => isEqual(value, given));
  if (known === undefined) return entraRefusal(7000215, { clientId });
  const isExpired = known.expires !== undefined && known.expires.getTime() <= now;
  return isExpired ? entraRefusal(7000222, { clientId }) : '1';
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function checkAssertion(
  application: EntraApplication,
  assertion: string,
  check: ClientCheck,
): Promise<ClientProof | EntraRefusal> {
  const claims = unverified(assertion);
  if (claims === undefined) return entraRefusal(50027);
  const isOwn = claims.iss === application.clientId;
  const refused = isOwn
    ? await checkCertificate(application, assertion, check)
    : await checkFederated(application, assertion, claims);
  return refused ?? '2';
}

function unverified(assertion: string): JWTPayload | undefined {
  try {
    return decodeJwt(assertion);
  } catch {
    // not a token
    return undefined;
  }
}

async function checkCertificate(
  { clientId, certificates = [] }: EntraApplication,
  assertion: string,
  { audiences, now }: ClientCheck,
): Promise<EntraRefusal | undefined> {
  const { 'x5t#S256': sha256, x5t } = decodeProtectedHeader(assertion) as Record<string, string>;
  const thumbprint = Buffer.from(sha256 ?? x5t ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();
  const certificate = certificates
    .map((pem) => new X509Certificate(pem))
    .find(({ fingerprint, fingerprint256 }) =>
      [fingerprint, fingerprint256].some((one) => one.replaceAll(':', '') === thumbprint),
    );
  if (certificate === undefined) {
    return entraRefusal(700027, { thumbprint, reason: 'The key was not found.' });
  }
  try {
    const { payload } = await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['RS256', 'PS256'],
      currentDate: new Date(now),
      clockTolerance: 300,
      requiredClaims: ['exp', 'nbf', 'jti'],
    });
    if (payload.sub !== clientId) return entraRefusal(700021);
    const audience = [payload.aud ?? []].flat();
    return audience.some((one) => audiences.includes(one)) ? undefined : entraRefusal(700023);
  } catch (error) {
    if (isAboutTime(error)) return outsideTime(unverified(assertion) ?? {}, now);
    return entraRefusal(700027, {
      thumbprint,
      reason: 'The key was found, but use of the key to verify the signature failed.',
    });
  }
}

function isAboutTime(error: unknown): boolean {
  return (
    error instanceof errors.JWTExpired ||
    (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf')
  );
}

function outsideTime({ nbf = 0, exp = 0 }: JWTPayload, now: number): EntraRefusal {
  return entraRefusal(700024, {
    now: new Date(now).toISOString(),
    from: new Date(nbf * 1_000).toISOString(),
    until: new Date(exp * 1_000).toISOString(),
  });
}

async function checkFederated(
  { federated = [] }: EntraApplication,
  assertion: string,
  claims: JWTPayload,
): Promise<EntraRefusal | undefined> {
  const { iss: issuer = '', sub: subject = '' } = claims;
  const ofIssuer = federated.filter((one) => one.issuer === issuer);
  if (ofIssuer.length === 0) return entraRefusal(700211, { issuer });
  const known = ofIssuer.find((one) => one.subject === subject);
  if (known === undefined) return entraRefusal(700213, { subject });
  const { audience = 'api://AzureADTokenExchange', publicKey } = known;
  const named = [claims.aud ?? []].flat();
  if (!named.includes(audience)) return entraRefusal(700212, { audience: named.join(' ') });
  try {
    await jwtVerify(assertion, createPublicKey(publicKey), { requiredClaims: ['exp'] });
    return undefined;
  } catch (error) {
    return isAboutTime(error) ? outsideTime(claims, Date.now()) : entraRefusal(50027);
  }
}
