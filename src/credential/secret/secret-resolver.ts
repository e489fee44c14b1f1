import { join } from 'node:path';
import { masterKeyFrom } from './master-key.ts';
import { type SecretStore, secretStore } from './secret-store.ts';

/** Where the secret store of an installation is. */
export function secretStoreFile(
  data: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const { WAYBILL_SECRETS: file } = environment;
  return file === undefined || file === '' ? join(data, 'secrets.json') : file;
}

/**
 * Resolves `${secret:NAME}`: the value, or undefined if there is none of that name. The master key
 * is read with the first secret, so a production without secrets needs none. Rejects with
 * CREDENTIAL_MISSING or CREDENTIAL_REFUSED if the store cannot be opened.
 */
export function secretResolver(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): (name: string) => Promise<string | undefined> {
  let store: SecretStore | undefined;
  return async (name) => {
    store ??= secretStore(file, await masterKeyFrom(environment));
    return store.get(name);
  };
}
