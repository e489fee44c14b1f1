import { masterKeyFrom } from '../credential/secret/master-key.ts';
import { secretStoreFile } from '../credential/secret/secret-resolver.ts';
import { listSecrets, type SecretStore, secretStore } from '../credential/secret/secret-store.ts';
import { newTraceKey } from '../trace/store/trace-cipher.ts';

/**
 * The keys of the trace are secrets of the secret store: the master key encrypts them, they encrypt
 * the trace. So a new master key only re-encrypts a few keys, not the trace.
 */
const PREFIX = 'waybill.trace-key.';

export const isTraceKey = (secret: string): boolean => secret.startsWith(PREFIX);

/**
 * The keys of a trace, oldest first; the last one is used for writing. With `encrypt`, the first one is
 * made if there is none. Without it, keys that cannot be opened are ignored: whether the trace
 * needs them turns out when it is opened.
 */
export async function traceKeys(
  data: string,
  encrypt: boolean,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<readonly Uint8Array[]> {
  const file = secretStoreFile(data, environment);
  const { WAYBILL_MASTER_KEY: key = '', WAYBILL_MASTER_KEY_FILE: keyFile = '' } = environment;
  const names = await namesIn(file);
  if (!encrypt && (names.length === 0 || (key === '' && keyFile === ''))) return [];
  const store = secretStore(file, await masterKeyFrom(environment));
  if (names.length === 0) await addTraceKey(store);
  return valuesOf(store, await namesIn(file));
}

/** Adds a key, which is used for writing from the next start; returns its id. Others may do so at the same time. */
export async function addTraceKey(store: SecretStore): Promise<string> {
  const { id, bytes } = newTraceKey();
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
  await store.set(`${PREFIX}${time}.${id}`, bytes.toString('base64'));
  return id;
}

/** In order of creation, which their names begin with. */
async function namesIn(file: string): Promise<string[]> {
  return (await listSecrets(file))
    .map(({ name }) => name)
    .filter(isTraceKey)
    .toSorted();
}

async function valuesOf(store: SecretStore, names: readonly string[]): Promise<Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (const name of names) {
    const value = await store.get(name);
    if (value !== undefined) values.push(Buffer.from(value, 'base64'));
  }
  return values;
}
