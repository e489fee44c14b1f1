import type { Socket } from 'node:net';
import { type EngineError, NotConnectedError, timerTime } from 'waybill/adapter';
import { dial, notConnected, placeOf } from 'waybill/peer/basics';
import { clientTls, PUBLIC_TLS, secured, type TlsClientLent } from 'waybill/peer/tls';
import { answerOf, mailboxFailure, type Pop3Answer, refusalText } from './pop3-answer.ts';
import type { Pop3Values } from './pop3-settings.ts';
import { credentialOf, signIn, userOf } from './pop3-sign-in.ts';

/** A mail as the mailbox lists it. */
export interface ListedMail {
  /** Its number in this session. */
  readonly number: number;
  /** Its name in every session (UIDL). */
  readonly uid: string;
  readonly size: number;
}

/** A signed-in connection. The mailbox is locked for others while it is open. All its errors are EngineErrors. */
export class Pop3Session {
  readonly place: string;
  readonly user: string;
  /** How the sign-in went. */
  readonly signedIn: string;
  readonly #line: Pop3Line;

  private constructor(line: Pop3Line, parts: Pick<Pop3Session, 'place' | 'user' | 'signedIn'>) {
    this.#line = line;
    this.place = parts.place;
    this.user = parts.user;
    this.signedIn = parts.signedIn;
  }

  /** Connects, secures and signs in. */
  static async open(
    lent: TlsClientLent & {
      readonly credential: (name: string) => Promise<Parameters<typeof credentialOf>[0]>;
    },
    settings: Pop3Values,
    signal: AbortSignal,
  ): Promise<Pop3Session> {
    const credential = credentialOf(await lent.credential(settings.credential));
    const user = userOf(credential, settings);
    const place = placeOf(settings.connect);
    const line = await openLine(lent, settings, signal);
    const stop = (): void => line.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const offered = offeredBy(await capabilities(line, place));
      const ask = (text: string) => asked(line, place, text);
      const signedIn = await signIn({ settings, credential, offered, signal, ask });
      return new Pop3Session(line, { place, user, signedIn });
    } catch (error) {
      line.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Every mail of the mailbox, as the server orders them: mostly the oldest first. */
  async list(): Promise<readonly ListedMail[]> {
    const uids = await this.#numbered(
      'UIDL',
      'it does not name its mails (UIDL), so that taken ones could not be known. Use IMAP, or another server',
    );
    const sizes = new Map(await this.#numbered('LIST', 'look at the log of the server'));
    return uids.map(([number, uid]) => ({ number, uid, size: Number(sizes.get(number) ?? 0) }));
  }

  /** The head of a mail. Undefined if the server does not give it. */
  async head({ number }: ListedMail): Promise<Buffer | undefined> {
    if (!(await this.#ask(`TOP ${number} 0`)).ok) return undefined;
    return Buffer.from(`${(await this.#line.lines()).join('\r\n')}\r\n\r\n`);
  }

  /** The whole mail, which has to be read to its end. Undefined if the server refuses it. */
  async content({ number }: ListedMail): Promise<AsyncGenerator<Buffer> | undefined> {
    const answer = await this.#ask(`RETR ${number}`);
    if (answer.ok) return this.#line.content();
    const failure = mailboxFailure(answer, this.place);
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** Marks a mail as deleted, which `quit` makes final. False if the server refused. */
  async delete({ number }: ListedMail): Promise<boolean> {
    return (await this.#ask(`DELE ${number}`)).ok;
  }

  /** Says goodbye, and makes deletions final. False if the server did not carry them out. */
  async quit(): Promise<boolean> {
    try {
      return (await this.#ask('QUIT')).ok;
    } finally {
      this.#line.destroy();
    }
  }

  close(): void {
    this.#line.destroy();
  }

  async #numbered(command: string, remedy: string): Promise<(readonly [number, string])[]> {
    const answer = await this.#ask(command);
    if (!answer.ok) {
      throw (
        mailboxFailure(answer, this.place) ??
        new NotConnectedError(
          `Not connected: ${this.place} refused ${command} (${refusalText(answer)}): ${remedy}.`,
        )
      );
    }
    const lines = await this.#line.lines();
    return lines.flatMap((line) => {
      const [, number, value] = /^(\d{1,9}) +(\S+)/.exec(line) ?? [];
      return number === undefined || value === undefined ? [] : [[Number(number), value] as const];
    });
  }

  async #ask(command: string): Promise<Pop3Answer> {
    const answer = await asked(this.#line, this.place, command);
    if (answer === undefined) throw foreign(this.place);
    return answer;
  }
}

const foreign = (place: string): EngineError =>
  new NotConnectedError(
    `Not connected: ${place} does not answer as a POP3 server. Check host, port and security.`,
  );

async function asked(line: Pop3Line, place: string, text: string): Promise<Pop3Answer | undefined> {
  line.say(text);
  const heard = await line.line();
  if (/^\+(?: |$)/.test(heard)) return undefined;
  const answer = answerOf(heard);
  if (answer === undefined) throw foreign(place);
  return answer;
}

/** Empty for a server that cannot say. */
async function capabilities(line: Pop3Line, place: string): Promise<readonly string[]> {
  const answer = await asked(line, place, 'CAPA');
  return answer?.ok === true ? await line.lines() : [];
}

function offeredBy(capable: readonly string[]): readonly string[] {
  const words = capable.map((one) => one.toUpperCase().split(/ +/));
  const sasl = words.find(([name]) => name === 'SASL')?.slice(1) ?? [];
  const hasUser = capable.length === 0 || words.some(([name]) => name === 'USER');
  return hasUser ? [...sasl, 'USER'] : sasl;
}

/** Connects and secures; nothing secret is sent. */
async function openLine(
  lent: TlsClientLent,
  settings: Pop3Values,
  signal: AbortSignal,
): Promise<Pop3Line> {
  const { connect: address, security, connectTimeout, timeout } = settings;
  const place = placeOf(address);
  const tls = security === 'tls' ? (settings.tls ?? PUBLIC_TLS) : undefined;
  const dialling = { address, tls, timeout: connectTimeout, startTlsPort: '110' };
  const socket = await dial(lent, dialling, signal);
  // A destroyed socket may still report an error.
  socket.on('error', () => undefined);
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const first = new Pop3Line(socket, place, connectTimeout);
    await greeted(first, settings);
    if (security === 'tls') return first.patient(timeout);
    const agreed = await asked(first, place, 'STLS');
    const plain = agreed?.ok === true ? first.release() : undefined;
    if (plain === undefined) throw notAgreed(place, agreed?.ok === true);
    const given = await clientTls(lent, settings.tls, address.host);
    const inside = await secured(plain, given, connectTimeout).catch((error: unknown) => {
      throw notConnected(error, place);
    });
    return new Pop3Line(inside, place, timeout);
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function greeted(line: Pop3Line, { connect, security }: Pop3Values): Promise<void> {
  const place = placeOf(connect);
  const heard = await line.line().catch((error: unknown) => {
    if (security === 'tls') throw error;
    throw new NotConnectedError(
      `Not connected: ${place} did not greet. It may speak TLS from the start (port 995): use security tls.`,
      { cause: error },
    );
  });
  const answer = answerOf(heard);
  if (answer === undefined) throw foreign(place);
  if (answer.ok) return;
  throw (
    mailboxFailure(answer, place) ??
    new NotConnectedError(
      `Not connected: ${place} turned us away with its greeting. Look at its log: it may allow only known addresses, or a few connections.`,
    )
  );
}

function notAgreed(place: string, more: boolean): EngineError {
  return new NotConnectedError(
    more
      ? `Not connected: somebody inserted data into the connection to ${place} before it was encrypted. Check the network between here and the server.`
      : `Not connected: ${place} does not offer encryption (STLS), so we do not sign in. Use the port with TLS from the start and security tls.`,
  );
}

/** Far above the 512 bytes of RFC 2449: only another protocol sends more without a line end. */
const LONGEST_LINE = 8_192;
/** A list of a million mails is half of it. */
const LONGEST_LIST = 64 * 1024 * 1024;

const DOT = 0x2e;
const NONE = Buffer.alloc(0);

/** A connection to a POP3 server, as lines and contents. Every error is an EngineError. */
class Pop3Line {
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
