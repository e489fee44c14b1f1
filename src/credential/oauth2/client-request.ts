import { randomUUID } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import type { LoadedCertificate } from '../certificate.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { assertionKey, type PrivateKeyJwt } from './assertion-key.ts';
import { clockSkew } from './refusal.ts';
import type { TokenLent } from './token-lent.ts';
import { type TokenAnswer, type TokenTransport, tokenTransport } from './token-transport.ts';

/** A connection to the client's server, with the client's certificate if that is its proof. */
export async function clientTransport(
  { authentication, proxy, timeout }: OAuth2Values,
  { certificate, trust, credential, peerCertificate }: TokenLent,
  signal: AbortSignal,
): Promise<TokenTransport> {
  const name = authentication?.mutualTls;
  const shown = name === undefined ? undefined : keyPair(await certificate(name));
  return tokenTransport(
    { credential, trust, proxy, timeout, certificate: shown, peerCertificate },
    signal,
  );
}

function keyPair({ credential, privateKey }: LoadedCertificate): { cert: string; key: string } {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: credential.certificate, key };
}

export interface ClientQuestion {
  readonly url: URL;
  readonly issuer: string | undefined;
  readonly form: URLSearchParams;
  readonly transport: TokenTransport;
  /** Whether the answer is what was requested. */
  readonly isGood: (answer: TokenAnswer) => boolean;
}

export interface ClientAnswer {
  readonly answer: TokenAnswer;
  /** What proved the client, and must not appear in any text. */
  readonly secrets: readonly string[];
}

/** Servers accept smaller differences. */
const NOTABLE_SKEW = 30_000;

/** Posts a form with the proof of the client. Any status is an answer. */
export async function askAsClient(
  values: OAuth2Values,
  { credential, clock, memory }: TokenLent,
  { url, issuer, form, transport, isGood }: ClientQuestion,
): Promise<ClientAnswer> {
  const ask = async (): Promise<ClientAnswer> => {
    const now = clock.now() + memory.skew;
    const proof = await clientProof(values, { credential, tokenUrl: url, issuer, now });
    const body = new URLSearchParams([...Object.entries(proof.form), ...form]);
    const answer = await transport.ask(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...proof.headers,
      },
      body: body.toString(),
    });
    return { answer, secrets: proof.secrets };
  };
  const asked = await ask();
  const skew = clockSkew(asked.answer, clock.now());
  const isNews = Math.abs(skew - memory.skew) >= NOTABLE_SKEW;
  const isSigned = values.authentication?.privateKeyJwt !== undefined;
  if (isNews) memory.skew = skew;
  // The assertion may have been refused only for its time, so make one by the server's clock.
  return isNews && isSigned && !isGood(asked.answer) ? ask() : asked;
}

/** What proves to a token endpoint who is asking. */
interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  /** What must not appear in any text. */
  readonly secrets: readonly string[];
}

interface ProofContext {
  readonly credential: string;
  readonly tokenUrl: URL;
  readonly issuer: string | undefined;
  /** Our clock, corrected by what we know about the server's, in milliseconds. */
  readonly now: number;
}

/** Proves the client in the way its settings name; mutual TLS does that in the handshake. */
async function clientProof(values: OAuth2Values, context: ProofContext): Promise<ClientProof> {
  const { clientId, grant, authentication } = values;
  const { secret, secretIn, privateKeyJwt } = authentication ?? {};
  if (grant === 'jwt-bearer') return grantProof(values, context);
  if (secret !== undefined && secretIn !== undefined) {
    return secretProof(clientId, secret, secretIn);
  }
  if (privateKeyJwt === undefined)
    return { headers: {}, form: { client_id: clientId }, secrets: [] };
  const assertion = await signed(privateKeyJwt, context, { iss: clientId, sub: clientId });
  return {
    headers: {},
    form: {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
    secrets: [assertion],
  };
}

/** The assertion is the grant itself (RFC 7523 §2.1); a secret may additionally prove the client. */
async function grantProof(
  { clientId, authentication, subject, scope }: OAuth2Values,
  context: ProofContext,
): Promise<ClientProof> {
  const { secret, secretIn, privateKeyJwt } = authentication ?? {};
  const client =
    secret === undefined || secretIn === undefined
      ? { headers: {}, form: {}, secrets: [] }
      : secretProof(clientId, secret, secretIn);
  // The check of the settings ensures that there is a key.
  if (privateKeyJwt === undefined) return client;
  const assertion = await signed(privateKeyJwt, context, {
    iss: clientId,
    ...(subject !== undefined && { sub: subject }),
    // where Google and DocuSign look for it
    ...(scope !== undefined && { scope }),
  });
  const { headers, form, secrets } = client;
  return { headers, form: { ...form, assertion }, secrets: [...secrets, assertion] };
}

function secretProof(
  clientId: string,
  secret: string,
  place: 'header' | 'header-unencoded' | 'body',
): ClientProof {
  if (place === 'body') {
    const form = { client_id: clientId, client_secret: secret };
    return { headers: {}, form, secrets: [secret] };
  }
  const encode = place === 'header' ? formEncoded : (text: string): string => text;
  const pair = `${encode(clientId)}:${encode(secret)}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  return { headers: { authorization }, form: {}, secrets: [secret, pair, encode(secret)] };
}

/** RFC 6749 §2.3.1 requires this encoding inside Basic; it only matters for characters such as `+ % :`. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** SMART allows five minutes from now; one minute less leaves room for a clock that is off. */
const LIFETIME = 240;
/** Servers refuse an assertion from the future, even by a second. */
const BACKDATED = 10;

async function signed(
  settings: PrivateKeyJwt,
  { credential, issuer, tokenUrl, now }: ProofContext,
  claims: JWTPayload,
): Promise<string> {
  const { key, keyId, algorithm } = await assertionKey(credential, settings);
  const isIssuer = settings.audience === 'issuer';
  const issued = Math.floor(now / 1_000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
    .setAudience((isIssuer ? issuer : undefined) ?? tokenUrl.href)
    .setJti(randomUUID())
    .setIssuedAt(issued - BACKDATED)
    .setExpirationTime(issued + LIFETIME)
    .sign(key);
}
