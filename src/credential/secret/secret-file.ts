import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../error/engine-error.ts';
import type { ScryptCost } from './master-key.ts';

/** What the file of a secret store holds. Names are in clear, values are not. */
export interface SecretFile {
  /** Base64; new with each master key. */
  readonly salt: string;
  readonly cost: ScryptCost;
  /** A known text, by which a wrong master key is told from a damaged file. */
  readonly check: string;
  readonly secrets: ReadonlyMap<string, SealedSecret>;
}

export interface SealedSecret {
  readonly sealed: string;
  /** ISO 8601. */
  readonly changed: string;
}

const VERSION = 1;
/** More would let a changed file exhaust the memory. */
const HIGHEST_COST = 2 ** 21;

/** Reads the file; undefined if there is none. */
export async function readSecretFile(path: string): Promise<SecretFile | undefined> {
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
      `The secret store ${path} is damaged or of a newer version. Restore it from a backup.`,
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

/** Replaces the file as a whole, readable by its owner only; a crash leaves the old one or the new one. */
export async function writeSecretFile(path: string, file: SecretFile): Promise<void> {
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

/** Runs a change while no other process makes one: two would undo each other's. */
export async function whileLocked<Value>(
  path: string,
  change: () => Promise<Value>,
): Promise<Value> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const deadline = Date.now() + LONGEST_WAIT;
  while (!(await taken(lock))) {
    if (Date.now() > deadline) {
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
      `The secret store cannot be written beside ${lock} (${code ?? 'unknown'}). Correct the permissions of its folder.`,
    );
  }
}
