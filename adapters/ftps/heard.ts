import { once } from 'node:events';
import { connect } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Client } from 'basic-ftp';
import { background, type setting, timerTime, toldElsewhere } from 'waybill/adapter';
import { answersTls, type SpokenProtocol, spokenProtocol } from 'waybill/peer';
import type { Attempt } from './connect-failure.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';

/** How long a server may keep silent before it is asked whether it speaks TLS, and how long it has to answer. */
const SILENCE = 2_000;
const ANSWER = 3_000;

/** Hears what a peer says first, and keeps the whole of connecting within its time. */
export class Heard {
  readonly #client: Client;
  readonly #settings: FtpsConnectionSettings;
  readonly #stop = Promise.withResolvers<never>();
  #asking: NodeJS.Timeout | undefined;
  #spoke = false;
  #protocol: SpokenProtocol | undefined;

  constructor(client: Client, settings: FtpsConnectionSettings) {
    this.#client = client;
    this.#settings = settings;
    this.#stop.promise.catch(toldElsewhere);
  }

  /** What is spoken there, if it is not FTP as configured. */
  get protocol(): SpokenProtocol | undefined {
    return this.#protocol;
  }

  /** Ends the wait when the time is over or the signal aborts: the library has no limit for a TLS handshake. */
  async within<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    const { connectTimeout } = this.#settings;
    const abort = (): void => this.#stop.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    const late = setTimeout(
      () => this.#stop.reject(new Error('Timeout (connecting)')),
      timerTime(connectTimeout),
    );
    try {
      return await Promise.race([work(), this.#stop.promise]);
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    }
  }

  /** To be called when the socket is new, before anything has arrived. */
  listen(): void {
    const { socket } = this.#client.ftp;
    if (socket instanceof TLSSocket) return;
    this.#asking = setTimeout(
      () => background(this.#askForTls(), 'asking a silent port for TLS'),
      SILENCE,
    );
    socket.once('data', (chunk: Buffer | string) => {
      this.stop();
      this.#spoke = true;
      const spoken = spokenProtocol(Buffer.from(chunk));
      if (spoken !== undefined && !/FTP/.test(spoken.name)) this.#recognise(spoken);
    });
  }

  stop(): void {
    clearTimeout(this.#asking);
  }

  /** After a failure: looks again at a server that gave no sign of what it is. */
  async askIfUnheard(stage: Attempt['stage'], error: unknown): Promise<void> {
    this.stop();
    if (stage !== 'connect' || this.#spoke || this.#protocol !== undefined) return;
    if (this.#settings.security === 'implicit') {
      if (!isCertificate(error)) await this.#askForGreeting();
      return;
    }
    await this.#askForTls();
  }

  async #askForTls(): Promise<void> {
    const patience = Math.min(ANSWER, this.#settings.connectTimeout);
    if (await answersTls(this.#settings.connect, patience)) {
      this.#recognise(spokenProtocol(Buffer.of(0x16, 3, 3)));
    }
  }

  /** Whether a server that was spoken to in TLS begins in clear. */
  async #askForGreeting(): Promise<void> {
    const first = await firstBytes(
      this.#settings.connect,
      Math.min(ANSWER, this.#settings.connectTimeout),
    );
    if (first.length > 0) this.#protocol = spokenProtocol(first);
  }

  #recognise(spoken: SpokenProtocol | undefined): void {
    this.#protocol = spoken;
    this.#stop.reject(new Error('another protocol'));
  }
}

/** A certificate that is refused is an answer in TLS. */
function isCertificate(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' && /CERT|ISSUER|SIGNED|CRL|LEAF|WAYBILL/.test(code);
}

/** What a port says by itself; nothing if it keeps silent. */
async function firstBytes(address: setting.Address, patience: number): Promise<Buffer> {
  const socket = connect(address);
  try {
    const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(patience) })) as [
      Buffer,
    ];
    return bytes;
  } catch {
    // it keeps silent, or has ended the connection
    return Buffer.alloc(0);
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}
