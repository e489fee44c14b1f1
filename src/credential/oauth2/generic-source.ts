import type { LoadedCertificate } from '../certificate.ts';
import { type ClientProof, clientProof } from './client-authentication.ts';
import { discover, type TokenServer } from './discovery.ts';
import type { OAuth2Values } from './oauth2-settings.ts';
import { clockSkew, refusal } from './refusal.ts';
import { type Token, type TokenSource, tokenFrom } from './token.ts';
import type { TokenParts } from './token-parts.ts';
import { type TokenAnswer, type TokenTransport, tokenTransport } from './token-transport.ts';

/**
 * Client credentials at any server that follows RFC 6749. Written here and not with openid-client:
 * that refuses an answer with 201, a lifetime as text or a missing `token_type`, all of which occur,
 * and keeps the request in its errors.
 */
export function genericSource(values: OAuth2Values, parts: TokenParts): TokenSource {
  return {
    async fetch(signal) {
      const shown = values.authentication?.mutualTls;
      const certificate = shown === undefined ? undefined : await parts.certificate(shown);
      const { trust, credential } = parts;
      const { proxy, timeout } = values;
      const tls = certificate && clientCertificate(certificate);
      await using transport = tokenTransport(
        { credential, trust, proxy, timeout, certificate: tls },
        signal,
      );
      return await fetchToken(values, parts, transport);
    },
  };
}

function clientCertificate({ credential, privateKey }: LoadedCertificate): {
  cert: string;
  key: string;
} {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: credential.certificate, key };
}

/** A smaller difference is nothing a server refuses. */
const NOTABLE_SKEW = 30_000;

async function fetchToken(
  values: OAuth2Values,
  parts: TokenParts,
  transport: TokenTransport,
): Promise<Token> {
  const { memory, clock } = parts;
  try {
    let asked = await ask(values, parts, transport);
    const skew = clockSkew(asked.answer, clock.now());
    const isNews = Math.abs(skew - memory.skew) >= NOTABLE_SKEW;
    const isSigned = values.authentication?.privateKeyJwt !== undefined;
    if (isNews) memory.skew = skew;
    if (isNews && isSigned && asked.token === undefined) {
      // The assertion was perhaps refused for its time only, so make one by the server's clock.
      asked = await ask(values, parts, transport);
    }
    if (asked.token === undefined) {
      const { credential } = parts;
      const { secrets } = asked.proof;
      throw refusal(asked.answer, { credential, secrets, now: clock.now() });
    }
    tellNarrowed(values.scope, asked.token, parts);
    return asked.token;
  } catch (error) {
    memory.server = undefined;
    throw error;
  }
}

interface Asked {
  readonly answer: TokenAnswer;
  readonly token: Token | undefined;
  readonly proof: ClientProof;
}

async function ask(
  values: OAuth2Values,
  { credential, clock, memory }: TokenParts,
  transport: TokenTransport,
): Promise<Asked> {
  const server = await serverOf(values, { credential, memory, transport });
  const mutual = values.authentication?.mutualTls !== undefined;
  const url = (mutual ? server.mutualTlsUrl : undefined) ?? server.tokenUrl;
  const { issuer } = server;
  const now = clock.now() + memory.skew;
  const proof = await clientProof(values, { credential, tokenUrl: url, issuer, now });
  const answer = await transport.ask(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...proof.headers,
    },
    body: formOf(values, proof).toString(),
  });
  const isGood = answer.status >= 200 && answer.status < 300;
  return { answer, proof, token: isGood ? tokenFrom(answer.body, clock.now()) : undefined };
}

interface Looking extends Pick<TokenParts, 'credential' | 'memory'> {
  readonly transport: TokenTransport;
}

async function serverOf(values: OAuth2Values, looking: Looking): Promise<TokenServer> {
  const { tokenUrl, issuer } = values;
  if (tokenUrl !== undefined) {
    return { tokenUrl, mutualTlsUrl: undefined, issuer: issuer?.href.replace(/\/$/, '') };
  }
  const { credential, memory, transport } = looking;
  // The check of the settings has made sure that there is an issuer.
  memory.server ??= await discover(credential, issuer as URL, transport);
  return memory.server;
}

function formOf({ scope, audience, resource }: OAuth2Values, proof: ClientProof): URLSearchParams {
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...proof.form });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  for (const one of resource) form.append('resource', one);
  return form;
}

/** Some servers drop what they do not know without a word; the peer's 403 would be all there is to see. */
function tellNarrowed(scope: string | undefined, token: Token, { events }: TokenParts): void {
  if (scope === undefined || token.scope === undefined) return;
  const granted = new Set(token.scope.split(' '));
  const missing = scope.split(' ').filter((one) => one !== '' && !granted.has(one));
  if (missing.length > 0) events.scopeNarrowed(missing);
}
