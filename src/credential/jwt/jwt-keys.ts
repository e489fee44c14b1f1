import { type PublishedKeys, publishedKeys } from '../../peer/published-keys.ts';
import type { Clock } from '../../time/clock.ts';
import { CredentialError } from '../credential-error.ts';
import type { EntryReader } from '../entry-reader.ts';
import { tokenTransport } from '../oauth2/token-transport.ts';
import { readPem } from '../read-pem.ts';
import { type Jwt, jwt } from './jwt.ts';

/** The `jwt-key` credentials of a production by name, read when they are needed; published keys are cached. */
export function jwtKeys(reader: EntryReader, clock: Clock): (name: string) => Promise<Jwt> {
  const remote = new Map<string, { readonly of: string; readonly keys: PublishedKeys }>();
  return async (name) => {
    const values = await reader.readKind(name, 'jwt-key', 'signing and verifying tokens');
    const trust = values.trust && (await readPem(name, 'trust', values.trust)).text;
    const { jwksUrl: url } = values;
    if (url === undefined) return jwt(values, { credential: name, clock, published: undefined });
    const of = `${url.href} ${trust ?? ''}`;
    const known = remote.get(name);
    const keys = known?.of === of ? known.keys : remoteKeys({ credential: name, url, trust });
    remote.set(name, { of, keys });
    return jwt(values, { credential: name, clock, published: keys });
  };
}

const TIMEOUT = 10_000;
const COOLDOWN = 30_000;

/** The keys behind a URL, fetched when a token names an unknown one, and cached. */
function remoteKeys({
  credential,
  url,
  trust,
}: {
  readonly credential: string;
  readonly url: URL;
  /** PEM of the authorities to trust; undefined trusts the well-known ones. */
  readonly trust: string | undefined;
}): PublishedKeys {
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
    if (status === 200 && body !== undefined) return Response.json(body);
    throw new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
      cause: `jwksUrl answers ${status}${status === 200 ? ', and not with a JSON object' : ''}, so no token can be checked`,
      remedy: `Compare jwksUrl with what the signer publishes, and look at its log`,
      retryable: true,
    });
  };
  return publishedKeys(url, { ask: fetchKeys, cooldown: COOLDOWN });
}
