import type { ClientMetadata, JWKS } from 'oidc-provider';

/** A client as it would be registered, with the one way in which it proves itself. */
export type OAuth2SandboxClient = {
  readonly clientId: string;
} & (
  | { readonly secret: string; readonly secretIn: 'header' | 'body' }
  /** The client's JWKS document: private_key_jwt, as SMART Backend Services use it. */
  | { readonly keys: JWKS['keys'] }
  /** The same, fetched from where the client publishes it. */
  | { readonly keysUrl: string }
  /** A DNS name in the certificate that the client shows; its tokens are bound to it (RFC 8705). */
  | { readonly certificateName: string }
);

const CLIENT_CREDENTIALS = {
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
};

/** The registration in the words of RFC 7591. */
export function clientMetadata(client: OAuth2SandboxClient): ClientMetadata {
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
