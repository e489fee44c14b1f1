import type { X509Certificate } from 'node:crypto';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type CryptoKey, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import type {
  Adapter,
  AdapterPayload,
  ClientMetadata,
  Configuration,
  JWK,
  JWKS,
  Provider,
} from 'oidc-provider';
import type { IssuedCertificate } from '../../src/credential/certificate-maker.ts';
import { type FaultQueue, type Faults, faultQueue } from '../faults.ts';
import { httpsListener } from '../https-listener.ts';

export interface OAuth2SandboxOptions {
  readonly clients: readonly OAuth2SandboxClient[];
  /** The scopes without a resource. */
  readonly scopes?: readonly string[];
  /** Resource server → the scopes it knows. */
  readonly resources?: Readonly<Record<string, readonly string[]>>;
  /** Lifetime of a token in seconds; 600 by default. */
  readonly lifetime?: number;
  /** Default: a free one. */
  readonly port?: number;
}

/** A real OAuth2 server: oidc-provider, for clients that sign in as themselves. */
export interface OAuth2Sandbox extends AsyncDisposable {
  /** Also the issuer; `/.well-known/openid-configuration` is below it. */
  readonly url: string;
  readonly tokenUrl: string;
  /** PEM, for `trust`. */
  readonly ca: string;
  /** Of the token endpoint. */
  readonly faults: Faults;
  /** How often the token endpoint was called. */
  readonly tokenRequests: number;
  /** Adds a client or changes one: a new secret, new keys. */
  register(client: OAuth2SandboxClient): Promise<void>;
  /** A certificate with which a client of that name may authenticate. */
  clientCertificate(name: string): IssuedCertificate;
  /** What a resource server learns about a token, opaque or signed. */
  introspect(token: string): Promise<Introspection>;
  close(): Promise<void>;
}

/** Starts it on loopback. */
export async function oauth2Sandbox(options: OAuth2SandboxOptions): Promise<OAuth2Sandbox> {
  const { scopes = [], resources = {}, lifetime = 600 } = options;
  // Loaded when needed, since productions do not install it.
  const { Provider, errors } = await import('oidc-provider');
  const listener = await httpsListener({
    authority: 'OAuth2 sandbox',
    port: options.port,
    clientCertificates: true,
  });
  const adapter = memoryAdapter();
  const unknownResource = (): Error => new errors.InvalidTarget('unknown resource');
  const signing = await signingKey();
  const parts = { adapter, signing, scopes, resources, lifetime, unknownResource };
  const provider = new Provider(listener.url, serverConfiguration(parts));
  const register = async (client: OAuth2SandboxClient): Promise<void> => {
    await adapter('Client').upsert(client.clientId, clientMetadata(client));
  };
  for (const client of options.clients) await register(client);
  const faults = faultQueue();
  const served = { tokens: 0 };
  serve(listener.server, { provider, faults, served });

  return {
    url: listener.url,
    tokenUrl: `${listener.url}/token`,
    ca: listener.authority.certificate,
    faults,
    get tokenRequests() {
      return served.tokens;
    },
    register,
    clientCertificate: (name) =>
      listener.authority.issue({ commonName: name, names: [`DNS:${name}`], use: ['client'] }),
    introspect: introspection(provider, signing.publicKey),
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

interface Serving {
  readonly provider: Provider;
  readonly faults: FaultQueue;
  /** A counter. */
  readonly served: { tokens: number };
}

const tooMany = (): object => ({ error: 'temporarily_unavailable' });

function serve(server: Server, { provider, faults, served }: Serving): void {
  const usual = provider.callback();
  server.on('request', (request, response) => {
    const answerIt = async (): Promise<void> => {
      const isToken = request.url === '/token';
      if (isToken) served.tokens += 1;
      if (isToken && (await faults.meet(request, response, tooMany))) return;
      await usual(request, response);
    };
    // A client that hung up cannot be answered.
    answerIt().catch(() => response.destroy());
  });
}

/** The introspection of a token (RFC 7662). */
interface Introspection {
  readonly active: boolean;
  readonly clientId?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
}

/**
 * What a resource server would learn about a token: for an opaque one from the server, for a signed
 * one from itself.
 */
function introspection(
  provider: Provider,
  key: CryptoKey,
): (token: string) => Promise<Introspection> {
  return async (token) => {
    const stored = await provider.ClientCredentials.find(token);
    if (stored === undefined) return verified(token, key, provider.issuer);
    const { clientId, scope } = stored;
    return { active: true, clientId, scope };
  };
}

async function verified(token: string, key: CryptoKey, issuer: string): Promise<Introspection> {
  try {
    const { payload } = await jwtVerify<{ client_id?: string; scope?: string }>(token, key, {
      issuer,
    });
    const { client_id: clientId, scope, aud } = payload;
    return { active: true, clientId, scope, audience: [aud ?? []].flat().join(' ') };
  } catch {
    // not one of our tokens
    return { active: false };
  }
}

const none = async (): Promise<undefined> => undefined;

/** The server's storage of tokens and other state: in memory, one map per kind. */
function memoryAdapter(): (kind: string) => Adapter {
  const kinds = new Map<string, Map<string, AdapterPayload>>();
  return (kind) => {
    const stored = kinds.get(kind) ?? new Map<string, AdapterPayload>();
    kinds.set(kind, stored);
    return {
      upsert: async (id, payload) => void stored.set(id, payload),
      find: async (id) => stored.get(id),
      destroy: async (id) => void stored.delete(id),
      // Only needed by flows with a user, which the sandbox does not offer.
      findByUserCode: none,
      findByUid: none,
      consume: none,
      revokeByGrantId: none,
    };
  };
}

/** A client's registration, with its one way to authenticate. */
type OAuth2SandboxClient = {
  readonly clientId: string;
} & (
  | { readonly secret: string; readonly secretIn: 'header' | 'body' }
  /** The client's JWKS document: private_key_jwt, as SMART Backend Services use it. */
  | { readonly keys: JWKS['keys'] }
  /** The same, fetched from the client's address. */
  | { readonly keysUrl: string }
  /** A DNS name in the client's certificate, to which its tokens are bound (RFC 8705). */
  | { readonly certificateName: string }
);

const CLIENT_CREDENTIALS = {
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
};

/** The registration in the terms of RFC 7591. */
function clientMetadata(client: OAuth2SandboxClient): ClientMetadata {
  const common = { ...CLIENT_CREDENTIALS, client_id: client.clientId };
  if ('secret' in client) {
    const isHeader = client.secretIn === 'header';
    return {
      ...common,
      client_secret: client.secret,
      token_endpoint_auth_method: isHeader ? 'client_secret_basic' : 'client_secret_post',
    };
  }
  if ('keys' in client || 'keysUrl' in client) {
    const keys = 'keys' in client ? { jwks: { keys: client.keys } } : { jwks_uri: client.keysUrl };
    return { ...common, ...keys, token_endpoint_auth_method: 'private_key_jwt' };
  }
  return {
    ...common,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_dns: client.certificateName,
    tls_client_certificate_bound_access_tokens: true,
  };
}

interface ServerParts {
  readonly adapter: (kind: string) => Adapter;
  readonly signing: SigningKey;
  readonly scopes: readonly string[];
  /** Resource server → the scopes it knows; its tokens are signed, those without a resource are opaque. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /** Seconds. */
  readonly lifetime: number;
  /** The error for an unknown resource. */
  readonly unknownResource: () => Error;
}

type Context = Parameters<NonNullable<Configuration['extraTokenClaims']>>[0];

/** oidc-provider, only for client credentials. */
function serverConfiguration(parts: ServerParts): Configuration {
  const { adapter, signing, scopes, resources, lifetime, unknownResource } = parts;
  return {
    adapter,
    jwks: { keys: [signing.jwk] },
    scopes: [...new Set([...scopes, ...Object.values(resources).flat()])],
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'tls_client_auth',
    ],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'RS384', 'PS256', 'ES256', 'ES384'] },
    ttl: { ClientCredentials: lifetime },
    // Clients' keys are also on this machine, which its own guard would not allow.
    fetch: (url, options) => fetch(url, Object.assign({ ...options }, { dispatcher: undefined })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
      },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: (context) => peerCertificate(context)?.toString(),
        certificateAuthorized: ({ socket }) => (socket as TLSSocket).authorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_san_dns' &&
          peerCertificate(context)?.checkHost(expected, { subject: 'never' }) !== undefined,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo(_context, resource) {
          const known = resources[resource];
          if (known === undefined) throw unknownResource();
          return {
            scope: known.join(' '),
            audience: resource,
            accessTokenTTL: lifetime,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
  };
}

function peerCertificate({ socket }: Pick<Context, 'socket'>): X509Certificate | undefined {
  return (socket as TLSSocket).getPeerX509Certificate();
}

interface SigningKey {
  readonly jwk: JWK;
  readonly publicKey: CryptoKey;
}

/** One key for this process: making one takes sixty milliseconds of the processor. */
let made: Promise<SigningKey> | undefined;

/** The key that signs access tokens for resources. */
const signingKey = (): Promise<SigningKey> => (made ??= newSigningKey());

async function newSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const { kty = 'RSA', ...jwk } = await exportJWK(privateKey);
  return { publicKey, jwk: { ...jwk, kty, kid: 'sandbox', use: 'sig', alg: 'RS256' } };
}
