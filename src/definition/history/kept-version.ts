/** How a version came to run. */
export type VersionOrigin = 'start' | 'apply' | 'watch' | 'edit' | 'roll-back' | 'set-aside';

/** A commit of git that the production's folder stood at. */
export interface Commit {
  readonly id: string;
  /** Whether files of the folder differed from it. */
  readonly changed: boolean;
}

/** The files of a production as they were once applied; `set-aside` were on disk and never ran. */
export interface KeptVersion {
  /** Of what the files say; see `versionOf`. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly origin: VersionOrigin;
  readonly reason?: string | undefined;
  readonly commit?: Commit | undefined;
  /** What `check` warned of. */
  readonly warnings: number;
  /** Path below the production's folder, with `/` → what it held. One that begins with `..` lies outside. */
  readonly files: Readonly<Record<string, KeptFile>>;
}

export interface KeptFile {
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
  readonly bytes: number;
}

/** What is asked for in order to keep a version. */
export type NewVersion = Omit<KeptVersion, 'files'> & {
  readonly files: ReadonlyMap<string, Uint8Array>;
};
