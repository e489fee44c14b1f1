import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { askAsClient, clientTransport } from './client-request.ts';
import { discover, type TokenServer } from './discovery.ts';
import { entraSource } from './entra-source.ts';
import { managedIdentitySource } from './managed-identity-source.ts';
import { refusal } from './refusal.ts';
import { type Token, type TokenSource, tokenFrom } from './token.ts';
import type { TokenLent } from './token-lent.ts';
import type { TokenAnswer, TokenTransport } from './token-transport.ts';

/** The source of the tokens of a credential of kind `oauth2`, by its provider. */
export function tokenSource(values: OAuth2Values, lent: TokenLent): TokenSource {
  if (values.provider === 'azure-identity') return managedIdentitySource(values, lent);
  return values.provider === 'entra' ? entraSource(values, lent) : genericSource(values, lent);
}

/**
 * Client credentials, or an assertion, at any server that follows RFC 6749. Not done with
 * openid-client, which refuses an answer with 201, a lifetime as text or a missing `token_type`,
 * all of which occur, and keeps the request in its errors.
 */
function genericSource(values: OAuth2Values, lent: TokenLent): TokenSource {
  return {
    async fetch(signal) {
      await using transport = await clientTransport(values, lent, signal);
      return await fetchToken(values, lent, transport);
    },
  };
}

async function fetchToken(
  values: OAuth2Values,
  lent: TokenLent,
  transport: TokenTransport,
): Promise<Token> {
  const { credential, memory, clock } = lent;
  try {
    const server = await serverOf(values, { credential, memory, transport });
    const mutual = values.authentication?.mutualTls !== undefined;
    const tokenOf = ({ status, body }: TokenAnswer): Token | undefined =>
      status >= 200 && status < 300
        ? tokenFrom(body, { now: clock.now(), asked: values.scope })
        : undefined;
    const { answer, secrets } = await askAsClient(values, lent, {
      url: (mutual ? server.mutualTlsUrl : undefined) ?? server.tokenUrl,
      issuer: server.issuer,
      form: formOf(values),
      transport,
      isGood: (one) => tokenOf(one) !== undefined,
    });
    const token = tokenOf(answer);
    if (token === undefined) throw refusal(answer, { credential, secrets, now: clock.now() });
    if (token.notGranted.length > 0) lent.events.scopeNarrowed(token.notGranted);
    return token;
  } catch (error) {
    memory.server = undefined;
    throw error;
  }
}

interface Looking extends Pick<TokenLent, 'credential' | 'memory'> {
  readonly transport: TokenTransport;
}

async function serverOf(values: OAuth2Values, looking: Looking): Promise<TokenServer> {
  const { tokenUrl, issuer } = values;
  if (tokenUrl !== undefined) {
    return {
      tokenUrl,
      mutualTlsUrl: undefined,
      introspection: undefined,
      issuer: issuer?.href.replace(/\/$/, ''),
    };
  }
  const { credential, memory, transport } = looking;
  // The check of the settings ensures that there is an issuer.
  memory.server ??= await discover(credential, issuer as URL, transport);
  return memory.server;
}

const GRANTS: Readonly<Record<OAuth2Values['grant'], string>> = {
  'client-credentials': 'client_credentials',
  'jwt-bearer': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
};

function formOf({ grant, scope, audience, resource }: OAuth2Values): URLSearchParams {
  const form = new URLSearchParams({ grant_type: GRANTS[grant] });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  for (const one of resource) form.append('resource', one);
  return form;
}
