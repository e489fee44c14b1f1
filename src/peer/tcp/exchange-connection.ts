import type { Socket } from 'node:net';
import { NotConnectedError, TemporaryError } from '../../error/adapter-error.ts';
import { toldElsewhere } from '../../error/foreseen.ts';
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

interface Exchange<Answer> {
  readonly done: PromiseWithResolvers<Answer>;
  timer?: NodeJS.Timeout;
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
  #failure: Error | undefined;

  constructor(socket: Socket, options: ExchangeOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', options.onData);
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('close', () => this.#fail(this.#lossOf()));
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
    const exchange: Exchange<Answer> = { done: Promise.withResolvers() };
    // Rejections while the message is still being written are thrown below.
    exchange.done.promise.catch(toldElsewhere);
    this.#exchange = exchange;
    const abort = (): void =>
      this.giveUp(
        new TemporaryError(
          `Given up while ${this.#options.place} had not acknowledged the message. It may have it.`,
          { cause: signal.reason },
        ),
      );
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) abort();
      await this.#write(message);
      if (message.answerWithin === undefined) return undefined;
      this.#startTimer(exchange, message);
      return await exchange.done.promise;
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      clearTimeout(exchange.timer);
      this.#exchange = undefined;
    }
  }

  /** The answer has come to the message in flight. */
  answered(answer: Answer): void {
    this.#exchange?.done.resolve(answer);
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

  async #write(message: Outgoing): Promise<void> {
    const { before, after } = message;
    let held: Buffer[] = [before];
    let first = true;
    const take = (part: Buffer): Promise<void> | undefined => {
      const flushed = first ? undefined : this.#flush(held);
      held = first ? [...held, part] : [part];
      first = false;
      return flushed;
    };
    const parts = message.parts();
    // `for await` would make several promises of each part that is there already
    if (Symbol.iterator in parts) for (const part of parts) await take(part);
    else for await (const part of parts) await take(part);
    await this.#flush([...held, after]);
    if (message.ends === true) this.#socket.end();
  }

  /** Waits until the system has taken the bytes, so that a body never piles up in memory for a slow peer. */
  async #flush(pieces: readonly Buffer[]): Promise<void> {
    const [only, ...others] = pieces.filter(({ length }) => length > 0);
    if (only === undefined) return;
    const bytes = others.length === 0 ? only : Buffer.concat([only, ...others]);
    try {
      const written = new Promise<void>((resolve, reject) => {
        this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
      // nearly always the system has taken them by now
      await (this.#socket.writableLength === 0 ? written : this.#inTime(written));
    } catch (error) {
      throw this.#failure === undefined ? error : this.#lossOf();
    }
  }

  async #inTime(written: Promise<void>): Promise<void> {
    const { place, writeTimeout } = this.#options;
    const unread = (): Error =>
      new TemporaryError(
        `${place} did not take the bytes of the message within ${writeTimeout} ms. It is sent again.`,
      );
    const timer = Number.isFinite(writeTimeout)
      ? setTimeout(() => this.giveUp(unread()), timerTime(writeTimeout))
      : undefined;
    try {
      await Promise.race([written, this.#exchange?.done.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #startTimer(exchange: Exchange<Answer>, { answerWithin = 0, unanswered }: Outgoing): void {
    if (!Number.isFinite(answerWithin)) return;
    exchange.timer = setTimeout(() => this.giveUp(unanswered()), timerTime(answerWithin));
  }

  #fail(error: Error): void {
    this.#exchange?.done.reject(error);
  }

  /** The connection was lost with a message in flight: it is unknown whether the peer has it. */
  #lossOf(): Error {
    const { place, again } = this.#options;
    const lost = this.#failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
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
