import { expect } from 'vitest';
import type { CredentialEntry } from '../../src/credential/credential-entry.ts';
import type { CredentialError } from '../../src/credential/credential-error.ts';
import {
  type Credentials,
  type CredentialsOptions,
  credentials,
} from '../../src/credential/credentials.ts';
import { rootLogger } from '../../src/log/logger.ts';

type Given = Readonly<
  Record<string, { readonly kind: string } & Readonly<Record<string, unknown>>>
>;

export interface CredentialSet extends AsyncDisposable {
  readonly credentials: Credentials;
  /** Everything that was logged, at every level. */
  readonly lines: readonly string[];
  /** Replaces the content of the production, as a changed file or secret would. */
  set(given: Given): void;
  /** The token of a credential of kind `oauth2` or `bearer`. */
  token(
    name: string,
    options?: { readonly fresh?: boolean; readonly signal?: AbortSignal },
  ): Promise<string>;
}

/** Credentials of a production, given as written there. */
export function credentialSet(
  given: Given,
  parts: Partial<Omit<CredentialsOptions, 'log' | 'again'>> = {},
): CredentialSet {
  const lines: string[] = [];
  const log = rootLogger('trace', { write: (line) => void lines.push(line) });
  let current = entriesOf(given);
  const made = credentials(current, {
    folder: '/production',
    environment: {},
    ...parts,
    log,
    again: async (name) => current.get(name),
  });
  return {
    credentials: made,
    lines,
    set(next) {
      current = entriesOf(next);
    },
    async token(name, { fresh = false, signal = new AbortController().signal } = {}) {
      const credential = await made.get(name);
      if (!('token' in credential)) throw new TypeError(`${name} has no token`);
      return credential.token(signal, { fresh });
    },
    [Symbol.asyncDispose]: () => made.close(),
  };
}

/** Entries under `credentials` as returned by the production reader. */
export function entriesOf(given: Given): ReadonlyMap<string, CredentialEntry> {
  return new Map(
    Object.entries(given).map(([name, { kind, ...values }], index) => [
      name,
      { kind, values, place: { file: 'production.yaml', line: index + 1, column: 3 } },
    ]),
  );
}

/** Why the credential `api` gives no token. */
export const refusalOf = (set: CredentialSet): Promise<CredentialError> =>
  set.token('api').then(
    () => expect.fail('a token was given'),
    (error: CredentialError) => error,
  );
