import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type ExportedJWKSCache,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
  jwksCache,
} from 'jose';

/** The keys of a signer cannot be had now, so its tokens cannot be checked; that is not the fault of a token. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway';
}

export interface PublishedKeysOptions {
  /** Instead of plain `fetch`. */
  readonly ask?: FetchImplementation | undefined;
  /** Milliseconds after which a token that names an unknown key has them fetched again. */
  readonly cooldown?: number;
  readonly now?: () => number;
}

const TIMEOUT = 5_000;
const COOLDOWN = 10_000;
/** Milliseconds between two questions while there is no answer. */
const REST = 30_000;
/** Milliseconds that keys count after they were last fetched: a signer that takes a key back must not be away for long. */
const KEPT = 24 * 3_600_000;

/**
 * The keys that a signer publishes: fetched when they are needed, again after ten minutes, and for a token that names another
 * one. While that fails, those of the last day count, so that nobody is signed out because a provider is away. Rejects with
 * KeysAway where there are none.
 */
export function publishedKeys(
  url: URL,
  { ask, cooldown = COOLDOWN, now = Date.now }: PublishedKeysOptions = {},
): JWTVerifyGetKey {
  const cache = {};
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT,
    cooldownDuration: cooldown,
    [jwksCache]: cache,
    ...(ask !== undefined && { [customFetch]: ask }),
  });
  const lately = keptKeys(cache, now);
  let resting = 0;
  return async (header, token) => {
    let cause: unknown;
    if (lately() === undefined || now() >= resting) {
      try {
        return await remote(header, token);
      } catch (error) {
        if (isOfToken(error)) throw error;
        resting = now() + REST;
        cause = error;
      }
    }
    const keys = lately();
    const away = new KeysAway(`${url.host} cannot be asked for its keys`, { cause });
    if (keys === undefined) throw away;
    try {
      return await keys(header, token);
    } catch (error) {
      // it may be among those that cannot be fetched
      throw error instanceof errors.JWKSNoMatchingKey ? away : error;
    }
  };
}

/** The keys that were fetched last, if that is not too long ago. */
function keptKeys(
  cache: Partial<ExportedJWKSCache>,
  now: () => number,
): () => JWTVerifyGetKey | undefined {
  let made: { readonly of: object; readonly keys: JWTVerifyGetKey } | undefined;
  return () => {
    const { uat = 0, jwks } = cache;
    if (jwks === undefined || now() - uat >= KEPT) return undefined;
    if (made?.of !== jwks) made = { of: jwks, keys: createLocalJWKSet(jwks) };
    return made.keys;
  };
}

const isOfToken = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported;
