import { CredentialError } from '../credential-error.ts';
import type { TokenAnswer, TokenTransport } from './token-transport.ts';

/** The parts of a discovery document that are needed here. */
export interface TokenServer {
  readonly tokenUrl: URL;
  /** The addresses for mutual TLS, if they differ (RFC 8705 §5). */
  readonly mutualTlsUrl: URL | undefined;
  /** The introspection endpoint (RFC 7662), with and without mutual TLS. */
  readonly introspection: { readonly url: URL; readonly mutualTlsUrl: URL } | undefined;
  readonly issuer: string | undefined;
}

/**
 * Finds the token endpoint of an issuer: OpenID Connect's document, then that of RFC 8414, then
 * that of SMART, whose "issuer" is the FHIR base. An address with `/.well-known/` in it is used as
 * it is.
 */
export async function discover(
  credential: string,
  issuer: URL,
  transport: TokenTransport,
): Promise<TokenServer> {
  const tried: string[] = [];
  for (const url of documents(issuer)) {
    const answer = await transport.ask(url, {
      method: 'GET',
      headers: { accept: 'application/json' },
    });
    if (answer.status >= 500 || answer.status === 429) throw unavailable(credential, url, answer);
    if (answer.status === 200 && typeof answer.body?.['token_endpoint'] === 'string') {
      return serverFrom(credential, { issuer, url, body: answer.body });
    }
    tried.push(`${url.pathname} answered ${answer.status}`);
  }
  throw new CredentialError('CREDENTIAL_REFUSED', credential, {
    cause: `no discovery document with a token endpoint below ${issuer.href} (${tried.join(', ')})`,
    remedy: 'Correct issuer, or give the token endpoint itself as tokenUrl',
  });
}

function documents(issuer: URL): URL[] {
  if (issuer.pathname.includes('/.well-known/')) return [issuer];
  const path = issuer.pathname.replace(/\/$/, '');
  return [
    `${path}/.well-known/openid-configuration`,
    `/.well-known/oauth-authorization-server${path}`,
    `${path}/.well-known/smart-configuration`,
  ].map((document) => new URL(document, issuer));
}

function unavailable(
  credential: string,
  url: URL,
  { status, place }: TokenAnswer,
): CredentialError {
  return new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
    cause: `${place} answered ${status} when asked for ${url.pathname}`,
    remedy: 'It is retried automatically; setting tokenUrl avoids this request',
    retryable: true,
  });
}

interface DiscoveryDocument {
  readonly issuer: URL;
  readonly url: URL;
  readonly body: Readonly<Record<string, unknown>>;
}

function serverFrom(credential: string, { issuer, url, body }: DiscoveryDocument): TokenServer {
  const { issuer: said, token_endpoint: endpoint, mtls_endpoint_aliases: aliases } = body;
  const isSmart = url.pathname.endsWith('/smart-configuration');
  const isGiven = url.href === issuer.href;
  // Otherwise a document copied from another server could send our secret there.
  if (!isSmart && !isGiven && typeof said === 'string' && !sameIssuer(said, issuer)) {
    throw new CredentialError('CREDENTIAL_REFUSED', credential, {
      cause: `the discovery document of ${issuer.href} belongs to another issuer`,
      remedy: 'Set issuer exactly as the server writes it in its discovery document',
    });
  }
  const { token_endpoint: alias, introspection_endpoint: otherAlias } = Object(aliases) as Record<
    string,
    unknown
  >;
  const { introspection_endpoint: asking } = body;
  const address = (given: unknown): URL => endpointUrl(credential, issuer, given);
  return {
    tokenUrl: address(endpoint),
    mutualTlsUrl: alias === undefined ? undefined : address(alias),
    introspection:
      asking === undefined
        ? undefined
        : { url: address(asking), mutualTlsUrl: address(otherAlias ?? asking) },
    issuer: typeof said === 'string' ? said : undefined,
  };
}

function sameIssuer(said: string, issuer: URL): boolean {
  return said.replace(/\/$/, '') === issuer.href.replace(/\/$/, '');
}

function endpointUrl(credential: string, issuer: URL, endpoint: unknown): URL {
  const url = URL.parse(String(endpoint));
  if (url !== null && (url.protocol === 'https:' || url.protocol === issuer.protocol)) return url;
  throw new CredentialError('CREDENTIAL_REFUSED', credential, {
    cause: `the discovery document of ${issuer.href} names an endpoint that is not an https address`,
    remedy: 'Have the server corrected, or give the token endpoint itself as tokenUrl',
  });
}
