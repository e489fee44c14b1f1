import { describeError } from '../error/engine-error.ts';
import type { Logger } from '../log/logger.ts';

/** What is reported about tokens. A token, a secret or an assertion is never a field. */
export interface CredentialEvents {
  tokenObtained(expiresIn: number): void;
  /** The old token stays in use; `goodFor` is how long, in milliseconds. */
  renewalFailed(error: unknown, goodFor: number): void;
  /** The server granted less than was requested, without reporting an error. */
  scopeNarrowed(missing: readonly string[]): void;
  /** One of our keys is missing from the JWKS document because it cannot be read. */
  keyUnpublished(error: unknown): void;
}

export function credentialEvents(log: Logger, credential: string): CredentialEvents {
  return {
    tokenObtained: (expiresIn) =>
      log.debug({ credential, expiresIn: Math.round(expiresIn / 1_000) }, 'token obtained'),
    renewalFailed: (error, goodFor) =>
      log.warn(
        { credential, goodFor: Math.round(goodFor / 1_000), ...describeError(error) },
        'token renewal failed, the old token is still valid',
      ),
    scopeNarrowed: (missing) =>
      log.warn({ credential, missing }, 'token was granted for less than the requested scope'),
    keyUnpublished: (error) =>
      log.error({ credential, ...describeError(error) }, 'key could not be published'),
  };
}
