import { TemporaryError } from '../../error/adapter-error.ts';
import type { ErrorDetail } from '../../error/engine-error.ts';

/** What distinguishes one state of a file from the next. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970 by the peer's clock. */
  readonly modified: number;
  /** What the peer itself calls this state of the content, where it does: an ETag. Times of seconds miss a change. */
  readonly version?: string;
}

/** Whether two facts are of the same state of a file. */
export function isSameState(one: FileFacts, other: FileFacts): boolean {
  return (
    one.size === other.size && one.modified === other.modified && one.version === other.version
  );
}

export interface FileEntry extends FileFacts {
  /** The name without its folder. */
  readonly name: string;
  /** A link counts as what it points to, if the protocol says so. */
  readonly kind: 'file' | 'folder' | 'other';
  /** Of a folder: that it was reached by a link, where the store can tell. */
  readonly linked?: boolean;
  /**
   * Set if the listing's time is a guess (FTP's `LIST` gives minutes and no year): good enough to
   * sort by, not to compare.
   */
  readonly rough?: true;
}

/**
 * The interface between the rules for picking up and dropping files and what stores the files: a
 * disk, an SFTP or FTP server. Paths have `/` between their parts. Failures are `FileError`s; a
 * lost connection is a `NotConnectedError`.
 */
export interface FileStore {
  /** Whether a file may be read while another one is moved or removed. */
  readonly readsBeside?: boolean;
  /**
   * The entries directly in a folder, without `.` and `..`. Throws `missing` if there is no such
   * folder, and never returns an empty list instead.
   */
  list(folder: string): Promise<readonly FileEntry[]>;
  /** The path of a folder without links; undefined if the peer does not tell. Needed where entries are `linked`. */
  real?(folder: string): Promise<string | undefined>;
  /** Exact facts of a file; undefined if there is none. */
  facts(path: string): Promise<FileFacts | undefined>;
  /**
   * The bytes, at the reader's pace. Throws `changed` if the file is no longer as `expected` when
   * its end is reached.
   */
  read(path: string, expected: FileFacts): AsyncIterable<Uint8Array>;
  /**
   * Writes a new file or overwrites an old one; resolves once the peer has confirmed every byte.
   * Stops when `signal` aborts.
   */
  write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /**
   * Moves within the store. Throws `exists` if something has that name, and `changed` if the file is
   * not as `expected`, as far as the protocol can tell. With `flush`, only that makes it last.
   */
  rename(from: string, to: string, expected?: FileFacts): Promise<void>;
  /** Moves over whatever has that name, in one step. Throws `unsupported` if the peer cannot do that. */
  replace(from: string, to: string): Promise<void>;
  /** Removes a file; no error if it is gone. Throws `changed` as `rename` does. */
  remove(path: string, expected?: FileFacts): Promise<void>;
  /** Resolves once what was moved and removed stays so over a loss of power; a store without it sees to that at once, or cannot. */
  flush?(): Promise<void>;
  /** Makes a folder and those above it; no error if it exists. */
  makeFolder(path: string): Promise<void>;
}

/**
 * What was wrong with a file or folder. `missing`: the path, or its folder, does not exist.
 * `denied`: no permission. `full`: disk or quota. `exists`: the name is taken. `changed`: the file
 * is not what it was. `unsupported`: the peer cannot do this. `failed`: the peer says only that it
 * failed.
 */
export type FileProblem =
  | 'missing'
  | 'denied'
  | 'full'
  | 'exists'
  | 'changed'
  | 'unsupported'
  | 'failed';

/** A file operation that the peer did not do. Worth a retry unless the caller knows better. */
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

/** Joins a folder and a name; an empty folder is the one the sign-in starts in. */
export function inFolder(folder: string, name: string): string {
  if (folder === '') return name;
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}
