import { randomUUID } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { assertionKey, type PrivateKeyJwt } from './assertion-key.ts';

/** What proves to a token endpoint who asks. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  /** What must not come back in any text. */
  readonly secrets: readonly string[];
}

export interface ProofContext {
  readonly credential: string;
  readonly tokenUrl: URL;
  readonly issuer: string | undefined;
  /** Our clock, corrected by what is known of the server's, in milliseconds. */
  readonly now: number;
}

/** Proves the client in the one way its settings name; mutual TLS proves itself in the handshake. */
export async function clientProof(
  values: OAuth2Values,
  context: ProofContext,
): Promise<ClientProof> {
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

/** The assertion is the grant itself (RFC 7523 §2.1); a secret may prove the client besides. */
async function grantProof(
  { clientId, authentication, subject, scope }: OAuth2Values,
  context: ProofContext,
): Promise<ClientProof> {
  const { secret, secretIn, privateKeyJwt } = authentication ?? {};
  const client =
    secret === undefined || secretIn === undefined
      ? { headers: {}, form: {}, secrets: [] }
      : secretProof(clientId, secret, secretIn);
  // The check of the settings has made sure that there is a key.
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

/** RFC 6749 §2.3.1 asks for this encoding inside Basic, which only shows with characters such as `+ % :`. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** SMART allows five minutes from now; a minute less leaves room for a slow clock here. */
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
