import {
  accessSync,
  chmodSync,
  closeSync,
  existsSync,
  fchownSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../error/engine-error.ts';
import { isSystemError } from '../error/foreseen.ts';

/** Modes of folders and files with patient data. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/** Makes sure that there is a folder for Waybill's own files. Throws CONFIG_INVALID if it cannot be made or written. */
export async function makeDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
    await access(path, constants.W_OK);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = `the folder ${path} for Waybill's own files cannot be made or written (${code})`;
    const then = `let this account write there, on a disk that is not read-only, or choose another folder with --data`;
    throw new EngineError('CONFIG_INVALID', `${why}: ${then}`, { cause: error });
  }
}

/** Permissions of group and others. */
const OF_OTHERS = 0o077;

/** The folders and files of a data folder that belong to Waybill; anything else there is not touched. */
const OWN_FOLDERS = ['trace', 'jetstream', 'history'] as const;
const OWN_FILE =
  /^(?:(?:meta|audit)\.db.*|nats\.(?:conf|json|log)(?:\.new)?|secrets\.json|stored\.json(?:\.new)?|stuck\.json|.+\.lock(?:\.\d+)?)$/;

/**
 * Creates a file that only its owner can read, or restricts an existing one. SQLite gives its log and its
 * shared memory the permissions of their database.
 */
export function makePrivate(path: string): void {
  // an existing file is not opened: closing it would release the locks that SQLite holds on it in this
  // process
  if (!existsSync(path)) {
    try {
      const file = openSync(path, 'wx', PRIVATE_FILE);
      try {
        keepOwner(file, dirname(path));
      } finally {
        closeSync(file);
      }
    } catch (error) {
      // another process was faster
      if (!isSystemError(error, 'EEXIST')) throw error;
    }
  }
  narrow(path);
}

/**
 * Gives an open file that root has just made to the owner of its folder: a command that is run with sudo must not take
 * a file away from the account that Waybill runs as.
 */
export function keepOwner(file: number, folder: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid === 0) return;
  try {
    fchownSync(file, uid, gid);
  } catch (error) {
    // a file system without owners, or one that refuses root
    if (!isSystemError(error, 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'ENOSYS')) throw error;
  }
}

/**
 * Removes the permissions of group and others from a data folder and everything Waybill keeps in it; returns
 * what had to be changed. Throws CONFIG_INVALID if a file belongs to another owner, or the file system has no
 * permissions.
 */
export function keepPrivate(data: string): readonly string[] {
  // Windows has no such permissions: a folder inherits those of its parent
  if (process.platform === 'win32' || !existsSync(data)) return [];
  const own = readdirSync(data).filter((name) => OWN_FILE.test(name));
  const folders = OWN_FOLDERS.filter((name) => existsSync(join(data, name)));
  const traces = folders.includes('trace')
    ? readdirSync(join(data, 'trace')).map((name) => join('trace', name))
    : [];
  const changed = [...folders, ...own, ...traces]
    .filter((name) => unlessReadOnly(name, () => narrow(join(data, name))))
    .map((name) => join(data, name));
  const closed = [...folders, ...own]
    .map((name) => unlessReadOnly(name, () => firstClosed(join(data, name))))
    .find(Boolean);
  if (closed !== undefined) throw closedToUs(closed, data);
  // a mounted volume may belong to somebody else; its content is kept private anyway
  return isOurs(data) && narrow(data) ? [data, ...changed] : changed;
}

/**
 * Restricts a path; returns whether this changed anything. Links are left alone, since their
 * targets are not ours to change.
 */
function narrow(path: string): boolean {
  const found = stats(path);
  if (found === undefined || found.isSymbolicLink() || !isWide(found)) return false;
  try {
    chmodSync(path, found.mode & 0o7777 & ~OF_OTHERS);
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'ENOTSUP', 'EACCES')) throw error;
    throw stillWide(path);
  }
  const now = stats(path);
  if (now !== undefined && isWide(now)) throw stillWide(path);
  return true;
}

/** A file may vanish meanwhile, like the log of a database that another process closes. */
function stats(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

const isWide = ({ mode }: Stats): boolean =>
  process.platform !== 'win32' && (mode & OF_OTHERS) !== 0;

/** The files, out of those made by people, above all keys, that other accounts may read. */
export function openToOthers(paths: readonly (string | undefined)[]): readonly string[] {
  return paths.flatMap((path) => {
    if (path === undefined || path === '') return [];
    // a link is followed, since its target is what is read
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && isWide(found) ? [path] : [];
  });
}

function isOurs(path: string): boolean {
  const user = process.geteuid?.();
  return user === 0 || stats(path)?.uid === user;
}

/** A trace whose disk has become read-only is told by the operator plane, which waits for it; messages do not need it. */
function unlessReadOnly<Found>(name: string, look: () => Found): Found | undefined {
  try {
    return look();
  } catch (error) {
    if (/^trace(?=[\\/]|$)/.test(name) && isSystemError(error, 'EROFS')) return undefined;
    throw error;
  }
}

/**
 * The first path in it that this account may not read and write. nats-server would take such a file of a stream for one
 * that is damaged, and its queue would stand still.
 */
function firstClosed(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    if (stats(path)?.isDirectory() !== true) return undefined;
    for (const name of readdirSync(path)) {
      const closed = firstClosed(join(path, name));
      if (closed !== undefined) return closed;
    }
    return undefined;
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EPERM')) return path;
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function closedToUs(path: string, data: string): EngineError {
  return new EngineError(
    'CONFIG_INVALID',
    `this account may not read and write ${path}: another one, perhaps root, has run Waybill here. As root run: chown -R --reference=${data} ${data}`,
  );
}

function stillWide(path: string): EngineError {
  return new EngineError(
    'CONFIG_INVALID',
    `other accounts of this machine may read ${path}, and it cannot be changed from here. As its owner run: chmod -R go= ${path}. On a file system without permissions (CIFS, FAT) mount it with file_mode=0600,dir_mode=0700.`,
  );
}
