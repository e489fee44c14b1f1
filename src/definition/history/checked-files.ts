import type { Difference } from '../difference.ts';
import type { Problem } from '../problem.ts';

/** A file as somebody wants it. */
export interface FileEdit {
  /** Below the production's folder, with `/`. */
  readonly path: string;
  /** undefined removes it. */
  readonly text?: string | undefined;
  /** SHA-256 in hex of what it held when it was opened; undefined if it was not there. Another content is not overwritten. */
  readonly was?: string | undefined;
}

/** What is compared: a kept version, what runs, or the files as they lie on disk. */
export type FilesOf = 'disk' | 'running' | (string & {});

/** Of what a check is made, and against what it is compared. */
export interface CheckOrder {
  readonly before: FilesOf;
  readonly after: FilesOf;
  /** Changes to `after`. */
  readonly edits?: readonly FileEdit[] | undefined;
  /** Runs the cases of `production.test.yaml` too. */
  readonly tests?: boolean | undefined;
}

/** What `check`, the test cases and the comparison say of files that are not applied. */
export interface CheckedFiles {
  readonly problems: readonly Problem[];
  /** Left out where one of the two cannot be read. */
  readonly difference?: Difference | undefined;
  readonly version?: string | undefined;
  readonly tests?:
    | {
        readonly passed: number;
        readonly failed: number;
        readonly failures: readonly {
          readonly name: string;
          readonly file: string;
          readonly line: number;
          readonly what: readonly string[];
        }[];
      }
    | undefined;
}
