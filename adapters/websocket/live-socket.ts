import type { Socket } from 'node:net';
import {
  background,
  EngineError,
  NotConnectedError,
  TemporaryError,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import type { FrameShare } from 'waybill/peer/tcp';
import type { WebSocket } from 'ws';
import type { SocketLimits } from './socket-settings.ts';

/** How a connection ended. */
export interface Ending {
  /** RFC 6455 §7.4; 1006 if it broke. */
  readonly code: number;
  readonly error: NotConnectedError;
  /** Why we ended it, to follow the peer's name; undefined where the peer did, or the network. */
  readonly ours: string | undefined;
}

interface LiveOptions {
  readonly place: string;
  readonly limits: Pick<SocketLimits, 'ping' | 'writeTimeout'>;
  /** Counts what has arrived of a message that is not whole yet. */
  readonly share: FrameShare;
}

/** Called for each message in its order; resolves once it is dealt with, and never rejects. Undefined if it is at once. */
export type Hearing = (body: Buffer, isText: boolean) => Promise<void> | undefined;

/** Told to a peer for whose large messages there is no memory left. */
const TRY_LATER = 1_013;

/**
 * One open WebSocket that notices when its peer is gone, and writes no faster than the peer reads. Nothing is read before
 * `hear`.
 */
export class LiveSocket {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #options: LiveOptions;
  readonly #ended = Promise.withResolvers<Ending>();
  readonly closed = this.#ended.promise;
  readonly #pongs = new Map<string, PromiseWithResolvers<void>>();
  #failure: Error | undefined;
  /** The code with which we close over a fault of the peer. */
  #fault: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAlive = true;
  #pings = 0;
  #unfinished = 0;

  constructor(socket: WebSocket, wire: Socket, options: LiveOptions) {
    this.#socket = socket;
    this.#wire = wire;
    this.#options = options;
    socket.pause();
    socket.on('error', (error) => {
      this.#failure ??= error;
      this.#fault ??= faultOf(error);
    });
    socket.on('pong', (data: Buffer) => this.#ponged(data.toString('latin1')));
    socket.on('close', (code) => this.#close(code));
    // before the library's own listener, which hands out messages at once
    wire.prependListener('data', (chunk: Buffer) => this.#read(chunk.length));
    this.#expect();
  }

  get place(): string {
    return this.#options.place;
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** From now on messages are read, as long as fewer than `atOnce` are being dealt with. */
  hear(atOnce: number, hearing: Hearing): void {
    const { share } = this.#options;
    let inWork = 0;
    const done = (size: number): void => {
      inWork -= 1;
      if (!this.isOpen) return;
      share.release(size);
      if (inWork === atOnce - 1) this.#socket.resume();
    };
    this.#socket.on('message', (body: Buffer, isBinary) => {
      share.release(this.#unfinished);
      this.#unfinished = 0;
      const size = body.length;
      if (!share.grow(0, size)) return this.#overloaded();
      const ended = hearing(body, !isBinary);
      if (ended === undefined) return share.release(size);
      inWork += 1;
      if (inWork === atOnce) this.#socket.pause();
      const over = (): void => done(size);
      background(ended.finally(over), 'dealing with a message');
    });
    this.#socket.resume();
  }

  /** Reads nothing more. */
  stop(): void {
    this.#socket.removeAllListeners('message');
  }

  /** Resolves once the system has taken the message. Throws a NotConnectedError, and TemporaryError if the peer does not read. */
  async send(body: Uint8Array, isText: boolean): Promise<void> {
    const sent = this.sendAtOnce(body, isText);
    if (sent !== undefined) await sent;
  }

  /** As `send`; undefined if the system has taken it already, as mostly. If the connection ends then, that is told. */
  sendAtOnce(body: Uint8Array, isText: boolean): Promise<void> | undefined {
    // whether it was taken: undefined for not yet, null for yes
    let failure: Error | null | undefined;
    let tell: (() => void) | undefined;
    this.#socket.send(body, { binary: !isText }, (error) => {
      failure = error ?? null;
      tell?.();
    });
    // nothing waits to be written either where the system has refused the bytes at once
    const isRefused = this.#wire.errored !== null;
    if (this.isOpen && !isRefused && this.#socket.bufferedAmount === 0) return undefined;
    const sent = new Promise<void>((resolve, reject) => {
      tell = () => {
        if (failure === null) resolve();
        else if (failure !== undefined) reject(failure);
      };
      tell();
    });
    return this.#taken(sent);
  }

  async #taken(sent: Promise<void>): Promise<void> {
    const { place, limits } = this.#options;
    const late = setTimeout(
      () =>
        this.fail(
          new TemporaryError(
            `${place} did not take the bytes of a message within ${limits.writeTimeout} ms. The connection is closed; look why it does not read.`,
          ),
        ),
      timerTime(limits.writeTimeout),
    );
    try {
      await sent;
      // of a socket that was closed meanwhile older versions of Node say the same as if the system had taken the bytes
      if (this.#wire.destroyed) throw this.#lost(1_006, this.#failure);
    } catch (error) {
      throw this.#failure instanceof TemporaryError ? this.#failure : this.#lost(1_006, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** Resolves once the peer has answered a ping behind what was sent so far. Rejects if the connection ends before. */
  async ponged(): Promise<void> {
    this.#pings += 1;
    const mark = `w${this.#pings}`;
    const pong = Promise.withResolvers<void>();
    this.#pongs.set(mark, pong);
    try {
      this.#socket.ping(mark, undefined, (error) => {
        if (error) pong.reject(this.#lost(1_006, error));
      });
      await pong.promise;
    } finally {
      this.#pongs.delete(mark);
    }
  }

  /** Says goodbye, and waits a second at most for the peer to do the same. */
  async close(code: number): Promise<void> {
    // a paused one would not read the answer
    this.#socket.resume();
    this.#socket.close(code);
    await this.closed;
  }

  /** Ends the connection at once, for this reason. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.terminate();
  }

  #read(bytes: number): void {
    this.#isAlive = true;
    const { share } = this.#options;
    if (share.grow(this.#unfinished, this.#unfinished + bytes)) this.#unfinished += bytes;
    else if (this.isOpen) this.#overloaded();
  }

  #overloaded(): void {
    this.#fault ??= TRY_LATER;
    this.#socket.close(TRY_LATER);
  }

  #ponged(mark: string): void {
    this.#isAlive = true;
    this.#pongs.get(mark)?.resolve();
  }

  #expect(): void {
    const { ping } = this.#options.limits;
    if (Number.isFinite(ping)) this.#timer = setTimeout(() => this.#look(), timerTime(ping));
  }

  #look(): void {
    // while we do not read, no sign of life can arrive
    if (this.#isAlive || this.#socket.isPaused) {
      this.#isAlive = false;
      if (this.isOpen) this.#socket.ping();
      this.#expect();
      return;
    }
    const { place, limits } = this.#options;
    this.fail(
      new NotConnectedError(
        `${place} gave no sign of life for ${limits.ping} ms (ping). Look at the network between us, and at the peer.`,
      ),
    );
  }

  #close(code: number): void {
    clearTimeout(this.#timer);
    this.#options.share.close();
    const fault = FAULTS[this.#fault ?? 0];
    const isGone = this.#failure instanceof EngineError;
    const ours = fault ?? (isGone ? 'does not read, or is gone' : undefined);
    const error = this.#lost(code, this.#failure, fault);
    for (const pong of this.#pongs.values()) {
      pong.promise.catch(toldElsewhere);
      pong.reject(error);
    }
    this.#wire.destroy();
    this.#ended.resolve({ code: this.#fault ?? code, error, ours });
  }

  #lost(code: number, cause: unknown, fault?: string): NotConnectedError {
    if (cause instanceof NotConnectedError) return cause;
    const what = fault === undefined ? closeWords(code) : `${fault}. Have it corrected there`;
    return new NotConnectedError(`${this.#options.place} ${what}.`, { cause });
  }
}

const WORDS: Readonly<Record<number, string>> = {
  1000: 'closed the connection as finished (1000). It is opened again',
  1001: 'closed the connection because it stops or goes away (1001). It is opened again',
  1002: 'closed the connection over a fault in the protocol (1002). Look at its log',
  1003: 'does not take this kind of data (1003). Set frame: text or binary',
  1006: 'lost the connection without saying why. Look at its log and at the network between us',
  1007: 'closed the connection because a text is not valid UTF-8 (1007). Set frame: binary, or correct the charset',
  1008: 'closed the connection by a rule of its own (1008), often over a sign-in or a subscription. Look at its log',
  1009: 'says that a message is too large (1009). Have its limit raised',
  1011: 'closed the connection over an error of its own (1011). Look at its log',
  1012: 'restarts (1012). The connection is opened again',
  1013: 'is overloaded and asks to try again later (1013). It is tried again',
  3000: 'closed the connection because we are not signed in (3000). Check the credential',
  3003: 'closed the connection because we may not do this (3003). Have the account allowed',
};

/** What a close code means (RFC 6455 §7.4.1 and the registry of IANA), to follow the name of the peer; without the last full stop. */
const closeWords = (code: number): string =>
  WORDS[code] ??
  `closed the connection with the code ${code}. Look into its documentation for what that means`;

/** Faults of a peer over which we close, to follow a pronoun or its name; without the last full stop. */
const FAULTS: Readonly<Record<number, string>> = {
  1002: 'breaks the protocol of WebSockets (1002)',
  1007: 'sent a text that is not UTF-8 (1007)',
  1008: 'sent too many small pieces (1008)',
  1009: 'sent a message above limit (1009)',
  1013: 'sends more large messages than there is memory for, and is to try again later (1013)',
};

const LIBRARY: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1_009,
  WS_ERR_INVALID_UTF8: 1_007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1_008,
};

/** The code with which the library closes the connection for what it found; undefined for any other error. */
function faultOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined;
  return LIBRARY[code] ?? 1_002;
}
