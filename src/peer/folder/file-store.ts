import { TemporaryError } from '../../error/adapter-error.ts';
import type { ErrorDetail } from '../../error/engine-error.ts';

/** What tells one state of a file from the next. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970 by the peer's clock. */
  readonly modified: number;
}

export interface FileEntry extends FileFacts {
  /** Without its folder. */
  readonly name: string;
  /** A link counts as what it points to, where the protocol tells. */
  readonly kind: 'file' | 'folder' | 'other';
  /** Set where the listing's time is a guess (FTP's `LIST` gives minutes and no year): good enough to sort by, not to compare. */
  readonly rough?: true;
}

/**
 * The port between the rules of picking up and dropping files and what keeps the files: a disk, an
 * SFTP or FTP server. Paths have `/` between their parts. A failure is a `FileError`; a connection
 * that is gone is a `NotConnectedError`.
 */
export interface FileStore {
  /** What lies directly in a folder, without `.` and `..`. Throws `missing` where there is no such folder, never an empty list. */
  list(folder: string): Promise<readonly FileEntry[]>;
  /** Exact facts of a file; undefined where there is none. */
  facts(path: string): Promise<FileFacts | undefined>;
  /** The bytes, as fast as they are asked for. Ends with `changed` if the file is no longer as `expected` when its end is reached. */
  read(path: string, expected: FileFacts): AsyncIterable<Uint8Array>;
  /** Writes a new file or over an old one, and resolves once the peer has confirmed every byte. Stops when `signal` aborts. */
  write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Moves within the store. Throws `exists` where something has that name, as far as the protocol can tell. */
  rename(from: string, to: string): Promise<void>;
  /** Moves onto whatever has that name, in one step. Throws `unsupported` where the peer has no such thing. */
  replace(from: string, to: string): Promise<void>;
  /** Removes a file; no error if it is gone. */
  remove(path: string): Promise<void>;
  /** Makes a folder and those above it; no error if it is there. */
  makeFolder(path: string): Promise<void>;
}

/**
 * What was wrong with a file or folder. `missing`: the path, or its folder, is not there. `denied`:
 * no permission. `full`: disk or quota. `exists`: the name is taken. `changed`: the file is not what
 * it was. `unsupported`: the peer has no such function. `failed`: it says no more than that it failed.
 */
export type FileProblem =
  | 'missing'
  | 'denied'
  | 'full'
  | 'exists'
  | 'changed'
  | 'unsupported'
  | 'failed';

/** A file operation that the peer did not do. Worth a retry unless somebody who knows better decides otherwise. */
export class FileError extends TemporaryError {
  readonly problem: FileProblem;

  constructor(problem: FileProblem, message: string, detail: ErrorDetail = {}) {
    super(message, detail);
    this.problem = problem;
  }
}

/** Whether an error is a `FileError` of that problem. */
export function isFileProblem(error: unknown, ...problems: readonly FileProblem[]): boolean {
  return error instanceof FileError && problems.includes(error.problem);
}

/** Joins a folder and a name; an empty folder is where the sign-in starts. */
export function inFolder(folder: string, name: string): string {
  if (folder === '') return name;
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}
