/** A plain connection on which lines are read and written. */
export interface Talk {
  /** The next line, without its end. Rejects when the connection ends or takes too long. */
  line(): Promise<string>;
  /** The lines of one answer, as SMTP and FTP write it: `250-…`, `250 …`. */
  reply(): Promise<readonly string[]>;
  say(line: string): void;
  /** This many bytes, for a protocol without lines. */
  bytes(count: number): Promise<Buffer>;
  send(bytes: Uint8Array): void;
}
