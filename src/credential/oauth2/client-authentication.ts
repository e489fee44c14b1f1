import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { type AssertionKey, assertionKey } from './assertion-key.ts';
import type { OAuth2Values } from './oauth2-settings.ts';

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
  { clientId, authentication }: OAuth2Values,
  context: ProofContext,
): Promise<ClientProof> {
  const { secret, secretIn, privateKeyJwt } = authentication ?? {};
  if (secret !== undefined && secretIn !== undefined) {
    return secretProof(clientId, secret, secretIn);
  }
  if (privateKeyJwt === undefined)
    return { headers: {}, form: { client_id: clientId }, secrets: [] };
  const key = await assertionKey(context.credential, privateKeyJwt);
  const isIssuer = privateKeyJwt.audience === 'issuer';
  const audience = (isIssuer ? context.issuer : undefined) ?? context.tokenUrl.href;
  const assertion = await clientAssertion(key, { clientId, audience, now: context.now });
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

async function clientAssertion(
  { key, keyId, algorithm }: AssertionKey,
  { clientId, audience, now }: { clientId: string; audience: string; now: number },
): Promise<string> {
  const issued = Math.floor(now / 1_000);
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(issued - BACKDATED)
    .setExpirationTime(issued + LIFETIME)
    .sign(key);
}
