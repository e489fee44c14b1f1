import { randomBytes } from 'node:crypto';
import { EngineError } from '../../error/engine-error.ts';
import { type MasterKey, SCRYPT_COST, type ScryptCost } from './master-key.ts';
import { seal, unseal } from './sealed.ts';
import { readSecretFile, type SecretFile, whileLocked, writeSecretFile } from './secret-file.ts';

/** Secrets at rest in one file, each encrypted on its own. Each call reads the file, so that changes of others are seen. */
export interface SecretStore {
  /** The value; undefined if there is none of that name. Rejects if the master key is wrong or the file was changed. */
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
  /** False if there was none of that name. */
  remove(name: string): Promise<boolean>;
  /** Encrypts everything anew under another master key; returns how many secrets there are. */
  rotate(next: MasterKey): Promise<number>;
}

/** The names of the secrets in a store and when each was last set; needs no master key. */
export async function listSecrets(
  file: string,
): Promise<readonly { readonly name: string; readonly changed: Date }[]> {
  const { secrets = [] } = (await readSecretFile(file)) ?? {};
  return [...secrets].map(([name, one]) => ({ name, changed: new Date(one.changed) }));
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const CHECK = 'waybill';

/**
 * Opens the store in `file`, which need not exist yet. `cost` is how hard a passphrase is to guess, for
 * a new store; an existing one keeps its own until it is rotated.
 */
export function secretStore(
  file: string,
  masterKey: MasterKey,
  cost: ScryptCost = SCRYPT_COST,
): SecretStore {
  const keyOf = derivedKeys(masterKey);

  const opened = async (): Promise<Opened | undefined> => {
    const content = await readSecretFile(file);
    if (content === undefined) return undefined;
    const key = await keyOf(content);
    if (unseal(key, checkLabel(content), content.check) !== CHECK) {
      throw new EngineError(
        'CREDENTIAL_REFUSED',
        `The master key does not open the secret store ${file}. Set WAYBILL_MASTER_KEY to the one it was made or last rotated with.`,
      );
    }
    return { content, key };
  };

  const changed = <Value>(change: (store: Opened) => Promise<Value>): Promise<Value> =>
    whileLocked(file, async () => change((await opened()) ?? (await empty(masterKey, cost))));

  return {
    async get(name) {
      const store = await opened();
      const secret = store?.content.secrets.get(name);
      if (store === undefined || secret === undefined) return undefined;
      return open(store, name, file);
    },
    async set(name, value) {
      checkName(name);
      await changed(async ({ content, key }) => {
        const sealed = seal(key, label(content, name), value);
        const secrets = new Map(content.secrets);
        secrets.set(name, { sealed, changed: new Date().toISOString() });
        await writeSecretFile(file, { ...content, secrets });
      });
    },
    remove: (name) =>
      changed(async ({ content }) => {
        const secrets = new Map(content.secrets);
        if (!secrets.delete(name)) return false;
        await writeSecretFile(file, { ...content, secrets });
        return true;
      }),
    rotate: (next) =>
      changed(async (store) => {
        const { content, key } = await empty(next, cost);
        const secrets = [...store.content.secrets].map(([name, { changed: since }]) => {
          const sealed = seal(key, label(content, name), open(store, name, file));
          return [name, { sealed, changed: since }] as const;
        });
        await writeSecretFile(file, { ...content, secrets: new Map(secrets) });
        return secrets.length;
      }),
  };
}

/** Deriving a key from a passphrase takes half a second, so it is done once. */
function derivedKeys(
  masterKey: MasterKey,
): (file: Pick<SecretFile, 'salt' | 'cost'>) => Promise<Buffer> {
  const keys = new Map<string, Promise<Buffer>>();
  return ({ salt, cost }) => {
    const known = keys.get(salt) ?? masterKey.keyFor(Buffer.from(salt, 'base64'), cost);
    keys.set(salt, known);
    return known;
  };
}

interface Opened {
  readonly content: SecretFile;
  readonly key: Buffer;
}

async function empty(masterKey: MasterKey, cost: ScryptCost): Promise<Opened> {
  const salt = randomBytes(32).toString('base64');
  const key = await masterKey.keyFor(Buffer.from(salt, 'base64'), cost);
  const check = seal(key, checkLabel({ salt }), CHECK);
  return { key, content: { salt, cost, check, secrets: new Map() } };
}

function open({ content, key }: Opened, name: string, file: string): string {
  const { sealed = '' } = content.secrets.get(name) ?? {};
  const text = unseal(key, label(content, name), sealed);
  if (text !== undefined) return text;
  throw new EngineError(
    'CREDENTIAL_REFUSED',
    `The secret ${name} in ${file} was changed outside Waybill and cannot be trusted. Set it again: waybill secret set ${name}.`,
  );
}

const label = ({ salt }: Pick<SecretFile, 'salt'>, name: string): string =>
  `secret ${salt} ${name}`;
const checkLabel = ({ salt }: Pick<SecretFile, 'salt'>): string => `check ${salt}`;

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new EngineError(
    'CREDENTIAL_REFUSED',
    'A secret is named with letters, digits, dots, dashes and underscores, at most 100, beginning with a letter or digit. Choose another name.',
  );
}
