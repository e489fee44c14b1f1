import type { FileEdit, FilesOf } from '../definition/history/checked-files.ts';
import type { KeptVersion } from '../definition/history/kept-version.ts';
import type { Ordered, Reloaded } from './orders.ts';

/** A version that was applied, without its files. */
export interface VersionBrief extends Omit<KeptVersion, 'files'> {
  /** How many files. */
  readonly files: number;
}

/** One file of the production. */
export interface FileBrief {
  readonly path: string;
  readonly hash: string;
  readonly bytes: number;
  /** Whether it may be changed in the console. */
  readonly editable: boolean;
}

/** With its text, unless it is too large or no text. */
export interface FileText extends FileBrief {
  readonly text: string | undefined;
}

export interface FilesQuery {
  readonly of: FilesOf;
}

export interface FileQuery extends FilesQuery {
  readonly path: string;
}

/** Writes files and applies them, or leaves everything as it was. */
export interface ChangeOrder extends Ordered {
  /** These, */
  readonly edits?: readonly FileEdit[] | undefined;
  /** or the version that is to run again. */
  readonly version?: string | undefined;
  readonly reason: string;
  readonly leaveWaiting?: boolean | undefined;
}

export interface Changed extends Reloaded {
  /** What was written, below the production's folder. */
  readonly written: readonly string[];
}
