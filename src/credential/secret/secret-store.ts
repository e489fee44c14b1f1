import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepOwner } from '../../database/private-files.ts';
import { EngineError } from '../../error/engine-error.ts';
import { type MasterKey, SCRYPT_COST, type ScryptCost } from './master-key.ts';

/**
 * Secrets at rest in one file, each encrypted separately. Each call reads the file, so that changes
 * by others are noticed.
 */
export interface SecretStore {
  /** The value; undefined if there is none of that name. Rejects if the master key is wrong or the file was changed. */
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
  /** False if there was none of that name. */
  remove(name: string): Promise<boolean>;
  /** Encrypts everything again under another master key; returns how many secrets there are. */
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
 * Opens the store in `file`, which need not exist yet. `cost` sets how hard a passphrase is to
 * guess, for a new store; an existing one keeps its own until it is rotated.
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
      return unsealed(store, name, file);
    },
    async set(name, value) {
      checkName(name);
      await changed(async ({ content, key }) => {
        const sealed = seal(key, labelOf(content, name), value);
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
          const sealed = seal(key, labelOf(content, name), unsealed(store, name, file));
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

function unsealed({ content, key }: Opened, name: string, file: string): string {
  const { sealed = '' } = content.secrets.get(name) ?? {};
  const text = unseal(key, labelOf(content, name), sealed);
  if (text !== undefined) return text;
  throw new EngineError(
    'CREDENTIAL_REFUSED',
    `The secret ${name} in ${file} was changed outside Waybill and cannot be trusted. Set it again: waybill secret set ${name}.`,
  );
}

const labelOf = ({ salt }: Pick<SecretFile, 'salt'>, name: string): string =>
  `secret ${salt} ${name}`;
const checkLabel = ({ salt }: Pick<SecretFile, 'salt'>): string => `check ${salt}`;

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new EngineError(
    'CREDENTIAL_REFUSED',
    'The name of a secret has letters, digits, dots, dashes and underscores, at most 100, and begins with a letter or digit. Choose another name.',
  );
}

/** The content of a secret store's file. Names are in plain text, values are not. */
interface SecretFile {
  /** Base64; new with each master key. */
  readonly salt: string;
  readonly cost: ScryptCost;
  /** A known text that distinguishes a wrong master key from a damaged file. */
  readonly check: string;
  readonly secrets: ReadonlyMap<string, SealedSecret>;
}

interface SealedSecret {
  readonly sealed: string;
  /** ISO 8601. */
  readonly changed: string;
}

const VERSION = 1;
/** A higher limit would let a manipulated file exhaust the memory. */
const HIGHEST_COST = 2 ** 21;

/** Reads the file; undefined if there is none. */
async function readSecretFile(path: string): Promise<SecretFile | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new EngineError(
      'CREDENTIAL_MISSING',
      `The secret store ${path} cannot be read (${error.code ?? error.name}). Correct its permissions.`,
    );
  });
  return text === undefined ? undefined : parse(path, text);
}

function parse(path: string, text: string): SecretFile {
  try {
    const given = JSON.parse(text) as Record<string, unknown>;
    const { version, salt, check, cost, secrets } = given;
    if (version !== VERSION || !isText(salt) || !isText(check)) throw new SyntaxError();
    const entries = Object.entries(secrets as Record<string, SealedSecret>);
    if (!entries.every(([, one]) => isText(one.sealed) && isText(one.changed))) {
      throw new SyntaxError();
    }
    return { salt, check, cost: costOf(cost), secrets: new Map(entries) };
  } catch {
    throw new EngineError(
      'CREDENTIAL_REFUSED',
      `The secret store ${path} is damaged or from a newer version. Restore it from a backup.`,
    );
  }
}

const isText = (given: unknown): given is string => typeof given === 'string';

function costOf(given: unknown): ScryptCost {
  const { N, r, p } = given as Record<keyof ScryptCost, unknown>;
  if (!isSmall(N, HIGHEST_COST) || !isSmall(r, 16) || !isSmall(p, 4)) throw new SyntaxError();
  return { N, r, p };
}

function isSmall(given: unknown, most: number): given is number {
  return typeof given === 'number' && Number.isInteger(given) && given >= 1 && given <= most;
}

/** Replaces the whole file, readable only by its owner; a crash leaves the old one or the new one. */
async function writeSecretFile(path: string, file: SecretFile): Promise<void> {
  const { secrets, ...rest } = file;
  const sorted = [...secrets].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(
    { version: VERSION, ...rest, secrets: Object.fromEntries(sorted) },
    undefined,
    2,
  );
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await using handle = await open(draft, 'wx', 0o600);
    keepOwner(handle.fd, dirname(path));
    await handle.writeFile(`${text}\n`);
    await handle.sync();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}

const LONGEST_WAIT = 10_000;
const LOOK_EVERY = 25;

/** Runs a change while no other process makes one: two would undo each other's changes. */
async function whileLocked<Value>(path: string, change: () => Promise<Value>): Promise<Value> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const deadline = performance.now() + LONGEST_WAIT;
  while (!(await taken(lock))) {
    if (performance.now() > deadline) {
      throw new EngineError(
        'CREDENTIAL_REFUSED',
        `Another process is changing the secret store. If none is, remove ${lock}.`,
        { retryable: true },
      );
    }
    await sleep(LOOK_EVERY);
  }
  try {
    return await change();
  } finally {
    await rm(lock, { force: true });
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await using _ = await open(lock, 'wx', 0o600);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new EngineError(
      'CREDENTIAL_REFUSED',
      `The secret store cannot be written next to ${lock} (${code ?? 'unknown'}). Correct the permissions of its folder.`,
    );
  }
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a text with AES-256-GCM under a fresh nonce. `label` is authenticated with it, so that a
 * text sealed for one name cannot be used for another. Base64: nonce, text, tag.
 */
function seal(key: Buffer, label: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(label));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64');
}

/** The text; undefined for another key or label, or if a byte was changed. */
function unseal(key: Buffer, label: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(label));
  cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const body = cipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([body, cipher.final()]).toString('utf8');
  } catch {
    // the tag does not match: another key, or damaged
    return undefined;
  }
}
