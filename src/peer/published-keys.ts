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
import { briefly, type ProviderFetch } from './provider-fetch.ts';

/** The keys of a signer cannot be had now, so its tokens cannot be checked; that is not the fault of a token. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway';
}

/** The key that a token names is published, but nothing can be checked with it. */
export class UnusableKey extends errors.JOSEError {
  static override readonly code = 'ERR_KEY_UNUSABLE';
  override readonly code = 'ERR_KEY_UNUSABLE';
}

export interface PublishedKeys extends JWTVerifyGetKey {
  /**
   * What `check` finds with them. Where the signature does not fit they are asked for again, since a signer may have
   * exchanged a key under its name, and it is checked once more. At most once a minute, so that forged tokens cause no
   * storm.
   */
  checked<Found>(check: () => Promise<Found>): Promise<Found>;
}

export interface PublishedKeysOptions {
  /** Instead of plain `fetch`. */
  readonly ask?: FetchImplementation | undefined;
  /** Milliseconds after which a token that names an unknown key has them fetched again. */
  readonly cooldown?: number;
  readonly now?: () => number;
}

/** Bits of an RSA key: what is shorter can be broken, and is not used. */
const SHORTEST = 2_048;
const TIMEOUT = 5_000;
const COOLDOWN = 10_000;
/** Milliseconds between two questions because of signatures that do not fit. */
const DOUBTED = 60_000;
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
): PublishedKeys {
  const held = {};
  const cache: Partial<ExportedJWKSCache> = held;
  const asked = briefly(ask as ProviderFetch | undefined);
  let unasked: unknown;
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT,
    cooldownDuration: cooldown,
    [jwksCache]: held,
    [customFetch]: (address, options) =>
      asked(address, options as RequestInit).catch((error: unknown) => {
        unasked = error;
        throw error;
      }),
  });
  const fromSigner = usable(remote, (error) => error === unasked);
  const lately = keptKeys(cache, now);
  let resting = 0;
  const keyOf: JWTVerifyGetKey = async (header, token) => {
    let cause: unknown;
    if (lately() === undefined || now() >= resting) {
      try {
        return await fromSigner(header, token);
      } catch (error) {
        if (isOfToken(error)) throw error;
        resting = now() + REST;
        cause = error;
      }
    }
    const kept = lately();
    const keys = kept && usable(kept, () => false);
    const away = new KeysAway(`${url.host} cannot be asked for its keys`, { cause });
    if (keys === undefined) throw away;
    try {
      return await keys(header, token);
    } catch (error) {
      // it may be among those that cannot be fetched
      throw error instanceof errors.JWKSNoMatchingKey ? away : error;
    }
  };
  const renewed = renewal(remote.reload, cache, now);
  return Object.assign(keyOf, {
    async checked<Found>(check: () => Promise<Found>): Promise<Found> {
      const { jwks: before } = cache;
      try {
        return await check();
      } catch (error) {
        const isDoubted = error instanceof errors.JWSSignatureVerificationFailed;
        if (!isDoubted || !(await renewed(before))) throw error;
        return check();
      }
    },
  });
}

/** Has keys fetched again, once for all who ask within a minute; resolves to whether there are others than `before`. */
function renewal(
  reload: () => Promise<void>,
  cache: Partial<ExportedJWKSCache>,
  now: () => number,
): (before: object | undefined) => Promise<boolean> {
  let until = 0;
  let asking: Promise<void> | undefined;
  return async (before) => {
    if (cache.jwks === before) {
      if (now() >= until) {
        until = now() + DOUBTED;
        // away: those that are known count
        asking = reload().catch(() => undefined);
      }
      await asking;
    }
    return cache.jwks !== before;
  };
}

/** Keys that something can be checked with; what is no key is the signer's mistake, and helps nobody to be told in words of a library. */
function usable(keys: JWTVerifyGetKey, isOther: (error: unknown) => boolean): JWTVerifyGetKey {
  return async (header, token) => {
    let key: Awaited<ReturnType<JWTVerifyGetKey>>;
    try {
      key = await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JOSEError || isOther(error)) throw error;
      throw new UnusableKey(undefined, { cause: error });
    }
    const { modulusLength = SHORTEST } = Object(Object(key).algorithm) as {
      readonly modulusLength?: number;
    };
    if (modulusLength < SHORTEST) throw new UnusableKey();
    return key;
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
  error instanceof UnusableKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported;
