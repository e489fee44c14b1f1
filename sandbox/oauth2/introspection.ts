import { type CryptoKey, jwtVerify } from 'jose';
import type { Provider } from 'oidc-provider';

/** What introspection says of a token (RFC 7662). */
export interface Introspection {
  readonly active: boolean;
  readonly clientId?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
}

/** What a resource server would learn of a token: of an opaque one from the server, of a signed one by itself. */
export function introspection(
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
    // no token of ours
    return { active: false };
  }
}
