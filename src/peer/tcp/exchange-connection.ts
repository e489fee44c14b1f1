import type { Socket } from 'node:net';
import { NotConnectedError, TemporaryError } from '../../error/adapter-error.ts';
import { Limit } from '../../time/limit.ts';
import { timerTime } from '../../time/timer.ts';
import { connectionCause } from '../connection-cause.ts';
import type { LinkedConnection } from './peer-link.ts';

export interface ExchangeOptions {
  readonly place: string;
  /** Milliseconds the peer may take to accept written bytes. */
  readonly writeTimeout: number;
  /** Called for each chunk that arrives, even while nothing is in flight. */
  readonly onData: (chunk: Buffer) => void;
  /** Called when the peer has ended its side, before the connection is closed. */
  readonly onEnd?: () => void;
  /** Ends the sentence of an error "It may have it; …". */
  readonly again: string;
}

/** One message on its way out. */
export interface Outgoing {
  readonly before: Buffer;
  parts(): Iterable<Buffer> | AsyncIterable<Buffer>;
  readonly after: Buffer;
  /** Whether our side is ended after the last byte, which marks the end of the message. */
  readonly ends?: boolean;
  /** Milliseconds to wait for an answer; undefined waits for none. */
  readonly answerWithin: number | undefined;
  /** What to throw if none arrives in that time. */
  readonly unanswered: () => Error;
}

/** One message on its way. */
interface Exchange<Answer> extends Pick<PromiseWithResolvers<Answer>, 'resolve' | 'reject'> {
  readonly message: Outgoing;
}

/**
 * One connection to a peer, with at most one exchange at a time: a message is written, and usually an answer
 * is awaited.
 *
 *     idle ──exchange──► in flight ──answered──► idle
 *     in flight ──time-out, giveUp, abort, loss──► closed
 *
 * Closing after every doubt is what keeps a late answer from being credited to the next message.
 */
export class ExchangeConnection<Answer> implements LinkedConnection {
  readonly #socket: Socket;
  readonly #options: ExchangeOptions;
  #exchange: Exchange<Answer> | undefined;
  /** Bytes that the system has not taken yet are waited for. */
  #writing: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  /** Of the answer. */
  readonly #limit = new Limit(() => this.#late());

  constructor(socket: Socket, options: ExchangeOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', options.onData);
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('close', () => {
      this.#limit.close();
      this.#fail(this.#lossOf());
    });
    socket.on('end', () => {
      options.onEnd?.();
      socket.destroy();
    });
  }

  /** Whether a message is in flight. */
  get busy(): boolean {
    return this.#exchange !== undefined;
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && this.#exchange === undefined;
  }

  onClose(listener: (refused: string | undefined) => void): void {
    this.#socket.once('close', () => {
      const { place } = this.#options;
      const known = this.#failure === undefined ? undefined : connectionCause(this.#failure, place);
      listener(known?.tls === true ? `${known.cause}. ${known.remedy}.` : undefined);
    });
  }

  /** Writes a message and waits for `answered`. On any error the connection is closed. */
  async exchange(message: Outgoing, signal: AbortSignal): Promise<Answer | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#exchange = { message, resolve, reject };
    signal.addEventListener('abort', this.#abort);
    try {
      if (signal.aborted) throw this.#givenUp(signal.reason);
      const writing = this.#write(message);
      if (writing !== undefined) {
        // what fails it meanwhile says more than the end of the writing, which may wait for the rest of a body
        await Promise.race([writing, promise.then(() => writing)]);
      }
      if (message.answerWithin === undefined) return undefined;
      this.#limit.begin(message.answerWithin);
      return await promise;
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', this.#abort);
      this.#limit.end();
      this.#exchange = undefined;
    }
  }

  /** The answer has come to the message in flight. */
  answered(answer: Answer | Promise<Answer>): void {
    // a peer may answer before it has read all of it
    this.#writing?.resolve();
    this.#exchange?.resolve(answer);
  }

  /** Fails the message in flight, and closes. */
  giveUp(error: Error): void {
    this.#fail(error);
    this.destroy();
  }

  /** Destroyed if the peer does not follow within a second. */
  end(): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#socket.destroy(), 1_000);
    this.#socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    this.#socket.end();
    return promise;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #abort = (event: Event): void =>
    this.giveUp(this.#givenUp((event.target as AbortSignal).reason));

  #givenUp(cause: unknown): Error {
    const { place } = this.#options;
    const text = `Given up while ${place} had not acknowledged the message. It may have it.`;
    return new TemporaryError(text, { cause });
  }

  /** Undefined if the system has taken all of it. */
  #write(message: Outgoing): Promise<void> | undefined {
    const { before, after } = message;
    const parts = message.parts();
    // most messages are in one piece
    if (!Array.isArray(parts) || parts.length !== 1) return this.#writeParts(message, parts);
    const flushed = this.#flush([before, parts[0] as Buffer, after]);
    if (message.ends !== true) return flushed;
    if (flushed === undefined) this.#socket.end();
    return flushed?.then(() => void this.#socket.end());
  }

  async #writeParts(
    { before, after, ends }: Outgoing,
    parts: Iterable<Buffer> | AsyncIterable<Buffer>,
  ): Promise<void> {
    let held: Buffer[] = [before];
    let first = true;
    for await (const part of parts) {
      if (!first) await this.#flush(held);
      held = first ? [...held, part] : [part];
      first = false;
    }
    await this.#flush([...held, after]);
    if (ends === true) this.#socket.end();
  }

  /** Waits until the system has taken the bytes, so that a body never piles up in memory for a slow peer; undefined if it has. */
  #flush(pieces: readonly Buffer[]): Promise<void> | undefined {
    const bytes = inOne(pieces);
    if (bytes.length === 0) return undefined;
    // a socket that is gone tells nobody but the callback
    if (!this.#socket.writable) throw this.#lossOf();
    this.#socket.write(bytes, this.#wrote);
    const { errored } = this.#socket;
    // refused at once: nothing waits to be written then, as if the system had taken it
    if (errored !== null) throw this.#lossOf(errored);
    // nearly always the system has taken them by now
    return this.#socket.writableLength === 0 ? undefined : this.#inTime();
  }

  /**
   * The same for each write: there is one message at a time, and what counts is that nothing is left. Of a socket that was
   * closed Node says that it was cancelled, and older ones the same as if the system had taken the bytes: its end tells why.
   */
  readonly #wrote = (error?: Error | null): void => {
    const { destroyed, writableLength } = this.#socket;
    if (!error && !destroyed && writableLength === 0) this.#writing?.resolve();
  };

  async #inTime(): Promise<void> {
    const { place, writeTimeout } = this.#options;
    const unread = (): Error =>
      new TemporaryError(
        `${place} did not take the bytes of the message within ${writeTimeout} ms. It is sent again.`,
      );
    const timer = Number.isFinite(writeTimeout)
      ? setTimeout(() => this.giveUp(unread()), timerTime(writeTimeout))
      : undefined;
    this.#writing = Promise.withResolvers();
    try {
      await this.#writing.promise;
    } finally {
      this.#writing = undefined;
      clearTimeout(timer);
    }
  }

  #late(): void {
    const unanswered = this.#exchange?.message.unanswered();
    if (unanswered !== undefined) this.giveUp(unanswered);
  }

  #fail(error: Error): void {
    this.#writing?.reject(error);
    this.#exchange?.reject(error);
  }

  /** The connection was lost with a message in flight: it is unknown whether the peer has it. */
  #lossOf(failure = this.#failure): Error {
    const { place, again } = this.#options;
    const lost = failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
    const { cause, remedy, tls } = connectionCause(lost, place);
    if (tls) return new NotConnectedError(`Not connected: ${cause}. ${remedy}.`);
    const hint =
      this.#socket.bytesRead > 0 ? '' : ' If it always does, it may expect TLS or another framing.';
    return new TemporaryError(
      `${place} closed the connection before it acknowledged the message. It may have it; ${again}.${hint}`,
      { cause: lost },
    );
  }
}

/** All pieces as one, so that they go in one call of the system; one that is alone is not copied. */
function inOne(pieces: readonly Buffer[]): Buffer {
  let only: Buffer | undefined;
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    if (only !== undefined) return Buffer.concat(pieces);
    only = piece;
  }
  return only ?? NOTHING;
}

const NOTHING: Buffer = Buffer.alloc(0);
