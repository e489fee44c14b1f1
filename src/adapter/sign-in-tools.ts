import type { GrantLimits, Grants } from './grants.ts';
import type { Launches } from './launches.ts';

/** What a service needs that signs in users of its own. */
export interface SignInTools {
  readonly keys: SigningKeys;
  /** Services that name the same realm share their sign-ins. Ask once, when the service opens. */
  grants(realm: string, limits: GrantLimits): Grants;
  /** Services that name the same realm count together. Ask once, when the service opens. */
  attempts(realm: string): Attempts;
  /** Lends operations that name the realm what asks EHRs for the people whom they launched, until the returned function is called. */
  lendLaunches(realm: string, launches: Launches): () => void;
  /** Whether it is the password behind a hash (argon2id as PHC string); takes as long as making one. */
  isPassword(password: string, hash: string): Promise<boolean>;
  /** The value of a key in a code table of the production, `''` if there is none. Throws LOOKUP_UNAVAILABLE. */
  lookup(table: string, key: string): string;
}

/** Makes guessing slow, at every engine together, without locking anybody out: each further failure doubles the wait. */
export interface Attempts {
  /** Milliseconds to wait; 0 counts the attempt as a failure until `succeeded`, so that parallel ones get no more tries. */
  tried(user: string, address: string): number;
  succeeded(user: string, address: string): void;
  /** Nothing was checked, since whoever knows the password could not be asked: the attempt does not count. */
  undecided(user: string, address: string): void;
}

/** The credentials of kind `jwt-key`, each by its name. */
export interface SigningKeys {
  /** Adds `iat`, `exp` and `jti`, and the issuer and audience of the key. Throws as `credential` does. */
  sign(
    key: string,
    claims: Readonly<Record<string, unknown>>,
    options?: {
      readonly subject?: string;
      readonly lifetime?: number;
      /** Instead of those of the key. */
      readonly audience?: string;
      readonly issuer?: string;
    },
  ): Promise<string>;
  /** Rejects with CREDENTIAL_REFUSED, which names the check that failed. */
  verify(
    key: string,
    token: string,
    options?: { readonly audience?: string; readonly issuer?: string },
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The public keys that it signs with and accepts, each as a JWK with its `kid`. */
  published(key: string): Promise<readonly object[]>;
  /**
   * A key of 32 bytes for one purpose, made of the secret or private key: the same at every engine, and telling
   * nothing of what it is made of. Rejects with CREDENTIAL_MISSING if there is only a public key.
   */
  derived(key: string, purpose: string): Promise<Uint8Array>;
}
