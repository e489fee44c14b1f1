import type { Socket } from 'node:net';
import { type EngineError, NotConnectedError, timerTime } from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';

/** Far above the 512 bytes of RFC 2449: only another protocol sends more without a line end. */
const LONGEST_LINE = 8_192;
/** A list of a million mails is half of it. */
const LONGEST_LIST = 64 * 1024 * 1024;

const DOT = 0x2e;
const NONE = Buffer.alloc(0);

/** A connection to a POP3 server, as lines and contents. Every error is an EngineError. */
export class Pop3Line {
  readonly #socket: Socket;
  readonly #place: string;
  /** Milliseconds that the server may leave us waiting. */
  #timeout: number;
  #held: Buffer = NONE;
  #failure: Error | undefined;
  #wake = Promise.withResolvers<void>();
  readonly #ring = (): void => this.#wake.resolve();
  readonly #fail = (error: Error): void => {
    this.#failure = error;
    this.#ring();
  };

  constructor(socket: Socket, place: string, timeout: number) {
    this.#socket = socket;
    this.#place = place;
    this.#timeout = timeout;
    socket.on('readable', this.#ring).on('end', this.#ring).on('close', this.#ring);
    socket.on('error', this.#fail);
  }

  /** From now on the server may leave us waiting for so many milliseconds. */
  patient(timeout: number): this {
    this.#timeout = timeout;
    return this;
  }

  say(line: string): void {
    if (this.#socket.writable) this.#socket.write(`${line}\r\n`);
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\n');
      if (end >= 0) {
        const line = this.#held.subarray(0, end).toString('utf8').replace(/\r$/, '');
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      if (this.#held.length > LONGEST_LINE) throw this.#foreign();
      await this.#more();
    }
  }

  /** The lines of an answer that ends with a dot. */
  async lines(): Promise<readonly string[]> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.content()) {
      size += piece.length;
      if (size > LONGEST_LIST) throw this.#foreign();
      pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString('utf8');
    return text === '' ? [] : text.replace(/\r\n$/, '').split('\r\n');
  }

  /**
   * The content of an answer that ends with a dot, in pieces as they come, with the doubled dots at
   * the beginning of lines undone. One that is left early leaves the connection unusable.
   */
  async *content(): AsyncGenerator<Buffer, void, undefined> {
    let atLineStart = true;
    for (;;) {
      const held: Buffer = this.#held;
      if (atLineStart && held[0] === DOT) {
        if (held.length < 3) {
          await this.#more();
          continue;
        }
        if (held[1] === 0x0d && held[2] === 0x0a) {
          this.#held = held.subarray(3);
          return;
        }
      }
      const from: number = atLineStart && held[0] === DOT ? 1 : 0;
      const dot: number = held.indexOf('\r\n.', from);
      // The last two bytes may begin the end.
      const to = dot >= 0 ? dot + 2 : held.length - 2;
      if (to <= from) {
        await this.#more();
        continue;
      }
      this.#held = held.subarray(to);
      atLineStart = dot >= 0;
      yield held.subarray(from, to);
    }
  }

  /** Gives the connection back, to begin TLS on it; undefined if the server has sent more than it should. */
  release(): Socket | undefined {
    const socket = this.#socket;
    socket.off('readable', this.#ring).off('end', this.#ring).off('close', this.#ring);
    if (this.#held.length > 0 || socket.readableLength > 0) return undefined;
    // The error of the plain connection is also that of the one inside.
    socket.off('error', this.#fail).on('error', () => undefined);
    return socket;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #more(): Promise<void> {
    this.#wake = Promise.withResolvers();
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk !== null) {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      return;
    }
    if (this.#socket.destroyed || this.#socket.readableEnded) throw this.#lost();
    const timer = setTimeout(() => {
      this.#fail(Object.assign(new Error('silent'), { code: 'ETIMEDOUT' }));
      this.#socket.destroy();
    }, timerTime(this.#timeout));
    await this.#wake.promise;
    clearTimeout(timer);
  }

  #lost(): EngineError {
    if (this.#failure !== undefined) return notConnected(this.#failure, this.#place);
    return new NotConnectedError(
      `Not connected: ${this.#place} closed the connection. Look at the log of the server if this happens often.`,
    );
  }

  #foreign(): EngineError {
    return new NotConnectedError(
      `Not connected: ${this.#place} does not answer as a POP3 server. Check host and port.`,
    );
  }
}
