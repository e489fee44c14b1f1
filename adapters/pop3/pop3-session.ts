import { type EngineError, NotConnectedError } from 'waybill/adapter';
import { dial, notConnected, placeOf } from 'waybill/peer/basics';
import { clientTls, PUBLIC_TLS, secured, type TlsClientLent } from 'waybill/peer/tls';
import { answerOf, mailboxFailure, type Pop3Answer, refusalText } from './pop3-answer.ts';
import { Pop3Line } from './pop3-line.ts';
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
