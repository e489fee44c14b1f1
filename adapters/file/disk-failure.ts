import { EngineError } from 'waybill/adapter';
import { FileError, type FileProblem } from 'waybill/peer/folder';

const PROBLEMS: Readonly<Record<string, FileProblem>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EEXIST: 'exists',
  ENOTEMPTY: 'exists',
  EISDIR: 'exists',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOSYS: 'unsupported',
};

/** What happened and what to do, by problem. File names are left out: they may be patient data. */
const TEXTS: Readonly<Record<FileProblem, (folder: string, code: string) => string>> = {
  missing: (folder) => `The folder ${folder} does not exist. Create it, or correct the setting.`,
  denied: (folder, code) =>
    `The system does not allow it in ${folder} (${code}). Give the account of this process permission to read, write and delete there.`,
  full: (folder, code) =>
    `The disk or the quota of ${folder} is full (${code}). Free some space, or remove files if it has no more inodes (df -i); it is retried.`,
  exists: (folder) => `A file of that name is already in ${folder}. Remove or rename it.`,
  changed: (folder) =>
    `A file in ${folder} changed while it was read. It is read again once it no longer changes.`,
  unsupported: (folder, code) =>
    `The file system of ${folder} cannot do it (${code}). Use a local file system.`,
  failed: (folder, code) =>
    `The disk or share of ${folder} failed (${code}). Look into the system's log.`,
};

/** Turns node's error of a file operation into the error to throw. */
export function diskFailure(error: unknown, folder: string): Error {
  if (!(error instanceof Error) || error instanceof EngineError) return error as Error;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return error;
  if (code === 'ELOOP') return new FileError('denied', linkText(folder));
  return diskProblem(PROBLEMS[code] ?? 'failed', folder, code);
}

const linkText = (folder: string): string =>
  `There is a link with the name of the file in ${folder}. Links are not followed: anyone who can write into the folder could have any file written or read. Remove it.`;

export function diskProblem(problem: FileProblem, folder: string, code = ''): FileError {
  return new FileError(problem, TEXTS[problem](folder, code));
}
