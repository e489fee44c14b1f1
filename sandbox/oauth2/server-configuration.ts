import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose';
import type { Adapter, Configuration, JWK } from 'oidc-provider';

export interface ServerParts {
  readonly adapter: (kind: string) => Adapter;
  readonly signing: SigningKey;
  readonly scopes: readonly string[];
  /** Resource server → the scopes it knows; its tokens are signed, those without a resource are opaque. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /** Seconds. */
  readonly lifetime: number;
  /** The error for a resource that is not known. */
  readonly unknownResource: () => Error;
}

type Context = Parameters<NonNullable<Configuration['extraTokenClaims']>>[0];

/** oidc-provider for client credentials and nothing else. */
export function serverConfiguration(parts: ServerParts): Configuration {
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
    // Keys of clients are on this machine too, where its own guard would not look.
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

export interface SigningKey {
  readonly jwk: JWK;
  readonly publicKey: CryptoKey;
}

/** A fresh key that signs access tokens for resources. */
export async function signingKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const { kty = 'RSA', ...jwk } = await exportJWK(privateKey);
  return { publicKey, jwk: { ...jwk, kty, kid: 'sandbox', use: 'sig', alg: 'RS256' } };
}
