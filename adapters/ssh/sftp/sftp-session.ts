import type { Duplex } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import type SftpClient from 'ssh2-sftp-client';
import { NotConnectedError } from 'waybill/adapter';
import type { ShownHostKey } from '../host-key.ts';

/** How long a server has to say goodbye. */
const FAREWELL = 1_000;

/** Facts about an established connection. */
export interface Connected {
  readonly client: SftpClient;
  readonly sftp: SFTPWrapper;
  readonly socket: Duplex;
  /** `host:port` for people. */
  readonly place: string;
  /** As the server calls itself: `OpenSSH_10.0p2`. */
  readonly software: string;
  readonly hostKey: ShownHostKey;
  /** The sign-in methods that the server accepts. */
  readonly offered: readonly string[];
  /** The one that worked. */
  readonly method: string;
  /** Milliseconds without any answer after which the connection counts as lost. */
  readonly timeout: number;
}

type Done<Value> = (error: Error | null | undefined, value: Value) => void;

/**
 * One connection, from sign-in to its end; never used again after it. Every request ends: with the
 * server's answer, or with NotConnectedError when the connection is lost or the server falls
 * silent. (The library's own methods may wait for ever when the server dies during several of
 * them.)
 *
 *     alive ──lost, silent or closed──► ended
 */
export class SftpSession {
  readonly facts: Omit<Connected, 'client' | 'sftp' | 'socket'>;
  readonly #client: SftpClient;
  readonly #sftp: SFTPWrapper;
  readonly #socket: Duplex;
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #onEnd: (() => void)[] = [];
  #watch: NodeJS.Timeout | undefined;
  #ended: Error | undefined;

  constructor({ client, sftp, socket, ...facts }: Connected) {
    this.facts = facts;
    this.#client = client;
    this.#sftp = sftp;
    this.#socket = socket;
    const lost = (): void => this.#end('closed the connection');
    client.on('error', (error: Error) =>
      this.#end(error.message === 'Keepalive timeout' ? 'does not answer keep-alives' : 'was lost'),
    );
    for (const event of ['end', 'close']) client.on(event, lost);
    for (const event of ['error', 'end', 'close']) sftp.on(event, lost);
  }

  get isAlive(): boolean {
    return this.#ended === undefined;
  }

  /** Calls back once, when the connection has ended for whatever reason. */
  onEnd(then: () => void): void {
    this.#onEnd.push(then);
  }

  /**
   * Sends one request. A refusal rejects with the library's error, which has a numeric `code`; a
   * missing extension with one without a code.
   */
  request<Value = void>(send: (sftp: SFTPWrapper, done: Done<Value>) => void): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const settle = (): void => {
        this.#waiting.delete(reject);
        this.#listen();
      };
      this.#waiting.add(reject);
      this.#listen();
      try {
        send(this.#sftp, (error, value) => {
          settle();
          if (error) reject(this.#explained(error));
          else resolve(value);
        });
      } catch (error) {
        settle();
        reject(asError(error));
      }
    });
  }

  /** Says goodbye and closes. Requests under way end with an error. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const gone = new Promise<void>((resolve) => {
      this.#socket.once('close', resolve);
      setTimeout(resolve, FAREWELL).unref();
    });
    this.#end('was closed by us', 'keep');
    // the socket is destroyed in any case
    this.#client.end().catch(() => undefined);
    await gone;
    this.#socket.destroy();
  }

  /** An error without a code is not an answer: the connection was lost with the request, or is unusable. */
  #explained(error: Error): Error {
    if (typeof (error as { code?: unknown }).code !== 'number') this.#end('broke off');
    return this.#ended ?? error;
  }

  /** Each answer restarts the server's time limit, as long as any is awaited. */
  #listen(): void {
    if (this.#waiting.size === 0 || !Number.isFinite(this.facts.timeout)) {
      clearTimeout(this.#watch);
      this.#watch = undefined;
      return;
    }
    this.#watch ??= setTimeout(
      () => this.#end(`did not answer for ${this.facts.timeout / 1_000} s`),
      this.facts.timeout,
    );
    this.#watch.refresh();
  }

  #end(why: string, socket: 'destroy' | 'keep' = 'destroy'): void {
    if (this.#ended !== undefined) return;
    this.#ended = new NotConnectedError(
      `The connection to ${this.facts.place} is gone: the server ${why}. It is opened again; look at the log of the server if it lasts.`,
    );
    clearTimeout(this.#watch);
    if (socket === 'destroy') this.#socket.destroy();
    for (const reject of this.#waiting) reject(this.#ended);
    this.#waiting.clear();
    for (const then of this.#onEnd) then();
  }
}

/** The library always throws an Error; TypeScript cannot know. */
function asError(caught: unknown): Error {
  return caught instanceof Error
    ? caught
    : new TypeError('something that is not an Error was thrown');
}
