import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Address } from '../adapter/setting.ts';
import { StepFailure } from '../adapter/test-step.ts';
import { placeOf } from './dial.ts';
import { answersTls } from './probe.ts';
import { tryHandshake } from './tls/handshake.ts';
import type { TlsClientLent } from './tls/tls-files.ts';
import type { TlsClientSettings } from './tls/tls-settings.ts';

/** How long the peer may take until it agrees to TLS. */
const AGREE_WITHIN = 5_000;
/** A server that keeps silent for so long may wait for TLS: it is asked whether it does. */
const GREET_WITHIN = 800;
/** More than any greeting or list of capabilities. */
const LONGEST_TALK = 65_536;

/** A plain connection of which lines are read and written. */
export interface Talk {
  /** The next line, without its end. Rejects when the connection ends or takes too long. */
  line(): Promise<string>;
  /** The lines of one answer as SMTP and FTP write it: `250-…`, `250 …`. */
  reply(): Promise<readonly string[]>;
  say(line: string): void;
}

export interface TlsTrial {
  readonly address: Address;
  readonly tls: TlsClientSettings | undefined;
  /**
   * Speaks a protocol that begins in plain text up to the point where the peer agrees to TLS; false if
   * it does not. Left out, TLS is spoken from the start.
   */
  readonly agree?: ((talk: Talk) => Promise<boolean>) | undefined;
}

/**
 * Tells protocol, cipher, names, expiry and chain of a peer over a connection of its own: for a
 * connection test. Throws a StepFailure for what is wrong with the handshake. False if the peer did not
 * get as far as TLS: what that means the adapter knows best.
 */
export async function tryTls(
  lent: TlsClientLent,
  { address, tls, agree }: TlsTrial,
  detail: (text: string) => void,
): Promise<boolean> {
  const place = placeOf(address);
  if (agree === undefined) {
    await tryHandshake(lent, { address, place, tls }, detail);
    return true;
  }
  // Whoever waits for it is told of an error as well.
  const socket = connect(address).on('error', () => undefined);
  try {
    // It ended, or did not speak the protocol: the adapter tells why by connecting as it does for messages.
    const agreed = await agreedTo(socket, { agree, address }).catch((error: unknown) => {
      if (error instanceof StepFailure) throw error;
      return false;
    });
    if (agreed) await tryHandshake(lent, { address, place, tls, over: socket }, detail);
    return agreed;
  } finally {
    socket.destroy();
  }
}

async function agreedTo(
  socket: Socket,
  {
    agree,
    address,
  }: Pick<TlsTrial, 'address'> & { readonly agree: NonNullable<TlsTrial['agree']> },
): Promise<boolean> {
  const signal = AbortSignal.timeout(AGREE_WITHIN);
  await once(socket, 'connect', { signal });
  const heard = new Heard(socket);
  const limit = setTimeout(() => socket.destroy(), AGREE_WITHIN);
  try {
    if (!(await heard.anything(GREET_WITHIN)) && (await answersTls(address, GREET_WITHIN))) {
      throw new StepFailure(`${placeOf(address)} speaks TLS from the start`, 'Set security: tls');
    }
    // What was sent along with the agreement would be taken for encrypted: nobody honest does that.
    return (await agree(heard)) && heard.isEmpty;
  } finally {
    clearTimeout(limit);
    heard.stop();
  }
}

class Heard implements Talk {
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

  /** Whether something has come within so many milliseconds. */
  async anything(within: number): Promise<boolean> {
    const late = AbortSignal.timeout(within);
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
    // Another protocol, which would never come to the end of an answer.
    if (!/^\d{3}/.test(lines[0] ?? '')) throw new Error('no answer as of SMTP or FTP');
    while (!/^\d{3}(?: |$)/.test(lines.at(-1) ?? '')) lines.push(await this.line());
    return lines;
  }

  say(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  stop(): void {
    this.#socket.off('data', this.#take).off('close', this.#wake).off('error', this.#wake).pause();
  }
}
