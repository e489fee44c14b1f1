import type { Socket } from 'node:net';
import { timerTime } from '../time/timer.ts';
import type { Talk } from './talk.ts';

/** More than any greeting or list of capabilities. */
const LONGEST_TALK = 65_536;

/** Reads and writes on a plain connection before TLS begins on it. `stop` leaves the connection as it was. */
export class Heard implements Talk {
  readonly #socket: Socket;
  #text = '';
  #news = Promise.withResolvers<void>();
  readonly #take = (bytes: Buffer): void => {
    this.#text += bytes.toString('latin1');
    if (this.#text.length > LONGEST_TALK) this.#socket.destroy();
    this.#wake();
  };
  readonly #wake = (): void => {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  };

  constructor(socket: Socket) {
    this.#socket = socket.on('data', this.#take).on('close', this.#wake);
    socket.on('error', this.#wake);
  }

  get isEmpty(): boolean {
    return this.#text === '';
  }

  /** Whether something arrives within this many milliseconds. */
  async anything(within: number): Promise<boolean> {
    const late = AbortSignal.timeout(timerTime(within));
    const { promise, resolve } = Promise.withResolvers<void>();
    late.addEventListener('abort', () => resolve(), { once: true });
    if (this.isEmpty && !this.#socket.destroyed) await Promise.race([this.#news.promise, promise]);
    return !this.isEmpty || this.#socket.destroyed;
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end).replace(/\r$/, '');
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#socket.destroyed) throw new Error('closed');
      await this.#news.promise;
    }
  }

  async reply(): Promise<readonly string[]> {
    const lines = [await this.line()];
    // Another protocol, whose answer would never end.
    if (!/^\d{3}/.test(lines[0] ?? '')) throw new Error('not an answer of SMTP or FTP');
    while (!/^\d{3}(?: |$)/.test(lines.at(-1) ?? '')) lines.push(await this.line());
    return lines;
  }

  say(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#text.length < count) {
      if (this.#socket.destroyed) throw new Error('closed');
      await this.#news.promise;
    }
    const bytes = Buffer.from(this.#text.slice(0, count), 'latin1');
    this.#text = this.#text.slice(count);
    return bytes;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  stop(): void {
    this.#socket.off('data', this.#take).off('close', this.#wake).off('error', this.#wake).pause();
  }
}
