import type { ClientChannel, ExecOptions } from 'ssh2';
import { NotConnectedError, TemporaryError } from 'waybill/adapter';
import type { SignedIn } from '../connect.ts';

/** How long a server has to say goodbye. */
const FAREWELL = 1_000;

/** A terminal wide enough that no question wraps. */
const TERMINAL: ExecOptions = { pty: { term: 'dumb', cols: 500, rows: 50 } };

/** A connection on which commands run, from its sign-in to its end. */
export class ExecSession {
  readonly #signedIn: SignedIn;
  readonly #onEnd: (() => void)[] = [];
  #ended = false;

  constructor(signedIn: SignedIn) {
    this.#signedIn = signedIn;
    const { client, socket } = signedIn;
    const end = (): void => this.#end();
    // each error is followed by the end, which tells those who wait for a command
    client.on('error', end);
    client.on('end', end).on('close', end);
    socket.on('close', end);
    if (socket.destroyed) this.#end();
  }

  get place(): string {
    return this.#signedIn.attempt.place;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get facts(): { software: string; offered: readonly string[]; method: string } {
    const { software, attempt } = this.#signedIn;
    const { offered, tried } = attempt.signIn;
    return { software, offered, method: tried.at(-1) ?? 'none' };
  }

  /** Calls back once, when the connection has ended for whatever reason. */
  onEnd(then: () => void): void {
    this.#onEnd.push(then);
  }

  /**
   * Begins a command: `begun` is called before any of its output. Rejects if it certainly did not
   * begin, or with LostWhileBeginning.
   */
  exec<Value>(
    line: string,
    pty: boolean,
    begun: (channel: ClientChannel) => Value,
  ): Promise<Value> {
    const { client, socket } = this.#signedIn;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const refuse = (error: Error): void => {
      const lost = this.#ended || socket.destroyed;
      // the library's words for anything that ends the last of its requests; earlier ones run nothing
      const isAsked = /unable to exec/i.test(error.message);
      reject(lost && isAsked ? new LostWhileBeginning() : notRun(this.place, error));
    };
    try {
      client.exec(line, pty ? TERMINAL : {}, (error, channel) => {
        if (error) refuse(error);
        else resolve(begun(channel));
      });
    } catch (error) {
      // the library throws at once if the connection is gone: nothing was sent
      reject(notRun(this.place, error));
    }
    return promise;
  }

  /** The channel's own method does nothing once the input of the command has ended, which is when it matters. */
  signal(channel: ClientChannel, name: 'TERM' | 'KILL'): void {
    const { _client: client, outgoing } = channel as unknown as Inner;
    const { _protocol: protocol } = client;
    if (outgoing.state === 'open' || outgoing.state === 'eof') protocol.signal(outgoing.id, name);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const { client, socket } = this.#signedIn;
    const gone = Promise.withResolvers<void>();
    socket.once('close', gone.resolve);
    const timer = setTimeout(gone.resolve, FAREWELL);
    client.end();
    await gone.promise;
    clearTimeout(timer);
    this.destroy();
  }

  destroy(): void {
    this.#signedIn.socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signedIn.socket.destroy();
    for (const then of this.#onEnd) then();
  }
}

/** The connection was lost after the server was asked to run a command: it may have begun. */
export class LostWhileBeginning extends Error {
  override readonly name = 'LostWhileBeginning';
}

interface Inner {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _client: {
    readonly _protocol: { readonly signal: (channel: number, name: string) => void };
  };
}

/** Why a server runs nothing for us. */
function notRun(place: string, error: unknown): Error {
  const { reason, message = '' } = error as { reason?: unknown; message?: string };
  if (reason === undefined && !/unable to/i.test(message)) {
    return new NotConnectedError(
      `The connection to ${place} was lost before the command began. It is opened again; look at the log of the server if it lasts.`,
      { cause: error },
    );
  }
  return new TemporaryError(
    `${place} lets us sign in but runs no command. Ask its owner to allow it for this user (a shell in its account, no ForceCommand for SFTP, MaxSessions above 0 in OpenSSH).`,
    { cause: error },
  );
}
