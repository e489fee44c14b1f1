import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../error/engine-error.ts';
import { isSystemError } from '../error/foreseen.ts';

/** Of a folder, and of a file, that holds what is known of patients. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/** What group and others may. */
const OF_OTHERS = 0o077;

/** The folders of a data folder that Waybill fills, and its files there; whatever else lies there is not touched. */
const OWN_FOLDERS = ['trace', 'jetstream'] as const;
const OWN_FILE =
  /^(?:(?:meta|audit)\.db.*|nats\.(?:conf|json|log)(?:\.new)?|secrets\.json|stored\.json(?:\.new)?|stuck\.json|.+\.lock(?:\.\d+)?)$/;

/**
 * Makes a file that only its owner reads, or makes one so that is there. SQLite gives its log and its shared memory
 * the rights of the database they belong to.
 */
export function makePrivate(path: string): void {
  // one that is there is not opened: closing it would let go of the locks that SQLite holds on it in this process
  if (!existsSync(path)) {
    try {
      closeSync(openSync(path, 'wx', PRIVATE_FILE));
    } catch (error) {
      // another process was faster
      if (!isSystemError(error, 'EEXIST')) throw error;
    }
  }
  narrow(path);
}

/**
 * Takes from a data folder, and from all that Waybill keeps in it, what group and others may; returns what had to be
 * changed. What nobody should read is of another owner, or on a file system without rights: CONFIG_INVALID.
 */
export function keepPrivate(data: string): readonly string[] {
  // Windows has no such rights: a folder inherits those of the one it lies in
  if (process.platform === 'win32' || !existsSync(data)) return [];
  const own = readdirSync(data).filter((name) => OWN_FILE.test(name));
  const folders = OWN_FOLDERS.filter((name) => existsSync(join(data, name)));
  const traces = folders.includes('trace')
    ? readdirSync(join(data, 'trace')).map((name) => join('trace', name))
    : [];
  const changed = [...folders, ...own, ...traces]
    .map((name) => join(data, name))
    .filter((path) => narrow(path));
  // a volume that was mounted may be somebody else's; what lies in it is kept private all the same
  return isOurs(data) && narrow(data) ? [data, ...changed] : changed;
}

/** Whether it was wider. A link is left alone: what it leads to is not ours to change. */
function narrow(path: string): boolean {
  const found = stats(path);
  if (found === undefined || found.isSymbolicLink() || !isWide(found)) return false;
  try {
    chmodSync(path, found.mode & 0o7777 & ~OF_OTHERS);
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'EROFS', 'ENOTSUP', 'EACCES')) throw error;
    throw stillWide(path);
  }
  const now = stats(path);
  if (now !== undefined && isWide(now)) throw stillWide(path);
  return true;
}

/** A file may go while it is looked at: the log of a database that another process closes. */
function stats(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

const isWide = ({ mode }: Stats): boolean =>
  process.platform !== 'win32' && (mode & OF_OTHERS) !== 0;

/** Of files that people made, keys above all: those that other accounts may read. */
export function openToOthers(paths: readonly (string | undefined)[]): readonly string[] {
  return paths.flatMap((path) => {
    if (path === undefined || path === '') return [];
    // where a link leads to is what is read
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && isWide(found) ? [path] : [];
  });
}

function isOurs(path: string): boolean {
  const user = process.geteuid?.();
  return user === 0 || stats(path)?.uid === user;
}

function stillWide(path: string): EngineError {
  return new EngineError(
    'CONFIG_INVALID',
    `other accounts of this machine may read ${path}, and it cannot be changed from here. As its owner run: chmod -R go= ${path}. On a file system without rights (CIFS, FAT) mount it with file_mode=0600,dir_mode=0700.`,
  );
}
