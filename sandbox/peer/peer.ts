/** One reachable service, as a row of a table. */
export interface PeerRow {
  /** `SFTP`, `IMAP`. */
  readonly system: string;
  /** The program: `OpenSSH`, `Dovecot`, or the fake. */
  readonly program: string;
  /** `host:port`, or a web address. */
  readonly address: string;
  /** User and password, client and secret, or that none is needed. */
  readonly signIn: string;
}

/** Parts of a production that use it. */
export interface PeerYaml {
  readonly credentials?: Readonly<Record<string, object>>;
  readonly services?: Readonly<Record<string, object>>;
  readonly operations?: Readonly<Record<string, object>>;
}

/** A system started for trying out a production. */
export interface Peer extends AsyncDisposable {
  readonly rows: readonly PeerRow[];
  readonly yaml: PeerYaml;
}

/** A system that cannot be started here, or only in part. */
export interface MissingPeer {
  readonly system: string;
  /** What is missing, and its replacement, if any. */
  readonly reason: string;
}

export interface PeerFolder {
  /** Writes a file for the production, and returns its path as written there. */
  file(name: string, content: string, mode?: number): Promise<string>;
  /** The same as a path of this machine. */
  readonly path: string;
}

/** Starts a system, or returns why not. */
export type PeerStart = (folder: PeerFolder) => Promise<readonly (Peer | MissingPeer)[]>;

export const isPeer = (one: Peer | MissingPeer): one is Peer => 'rows' in one;
