import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { tokenTransport } from '../oauth2/token-transport.ts';

const TIMEOUT = 10_000;

export interface RemoteKeysParts {
  readonly credential: string;
  readonly url: URL;
  /** PEM of the authorities to trust; undefined trusts the well-known ones. */
  readonly trust: string | undefined;
}

/** The keys behind a URL, fetched when a token names one that is not known, and kept. */
export function remoteKeys({ credential, url, trust }: RemoteKeysParts): JWTVerifyGetKey {
  const fetchKeys = async (): Promise<Response> => {
    const signal = AbortSignal.timeout(TIMEOUT);
    await using transport = tokenTransport(
      { credential, trust, proxy: undefined, timeout: TIMEOUT },
      signal,
    );
    const { status, body } = await transport.ask(url, {
      method: 'GET',
      headers: { accept: 'application/json' },
    });
    return new Response(JSON.stringify(body ?? {}), { status });
  };
  return createRemoteJWKSet(url, { [customFetch]: fetchKeys });
}
