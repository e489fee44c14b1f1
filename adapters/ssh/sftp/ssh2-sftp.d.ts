declare module 'ssh2/lib/protocol/SFTP.js' {
  import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';

  /** A channel as the library keeps it: its number, its window and its state. */
  export interface ChannelEnds {
    readonly type: string;
    readonly incoming: object;
    readonly outgoing: object;
  }
  interface Started extends SFTPWrapper {
    stderr: ClientChannel['stderr'];
    /** Asks the server for its version; `ready` follows. */
    _init(): void;
  }
  export const SFTP: new (client: Client, channel: ChannelEnds) => Started;
}
