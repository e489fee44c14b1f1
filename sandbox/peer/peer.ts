/** One thing that can be reached, for a table. */
export interface PeerRow {
  /** `SFTP`, `IMAP`. */
  readonly system: string;
  /** What speaks there: `OpenSSH`, `Dovecot`, or which fake it is. */
  readonly program: string;
  /** `host:port`, or a web address. */
  readonly address: string;
  /** User and password, client and secret, or that none is wanted. */
  readonly signIn: string;
}

/** Parts of a production that use it. */
export interface PeerYaml {
  readonly credentials?: Readonly<Record<string, object>>;
  readonly services?: Readonly<Record<string, object>>;
  readonly operations?: Readonly<Record<string, object>>;
}

/** A system that was started to try a production against. */
export interface Peer extends AsyncDisposable {
  readonly rows: readonly PeerRow[];
  readonly yaml: PeerYaml;
}

/** A system that cannot be started here, or only in part. */
export interface MissingPeer {
  readonly system: string;
  /** What is missing, and what is there instead, if anything. */
  readonly reason: string;
}

export interface PeerFolder {
  /** Writes a file that the production names, and gives its path as the production writes it. */
  file(name: string, content: string, mode?: number): Promise<string>;
  /** The same as a path of this machine. */
  readonly path: string;
}

/** Starts a system, or says why not. */
export type PeerStart = (folder: PeerFolder) => Promise<readonly (Peer | MissingPeer)[]>;

export const isPeer = (one: Peer | MissingPeer): one is Peer => 'rows' in one;
