import { once } from 'node:events';
import { connect } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Client } from 'basic-ftp';
import {
  background,
  type Credential,
  DisableError,
  NotConnectedError,
  type setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import {
  answersTls,
  notConnected,
  placeOf,
  type SpokenProtocol,
  spokenProtocol,
} from 'waybill/peer/basics';
import { clientTls, type TlsClientLent } from 'waybill/peer/tls';
import { replyCode } from './ftps-failure.ts';
import { type FtpsFacts, FtpsSession } from './ftps-session.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';

/** What connecting needs from what the engine lends. */
export interface ConnectLent extends TlsClientLent {
  readonly settings: FtpsConnectionSettings;
}

/** Called with the stages of a connection: the connection test reports them one by one. */
export interface Stages {
  greeting?(text: string): void;
  tls?(security: string): void;
}

/**
 * Connects, switches to TLS, signs in and sets up transfers. Throws NotConnectedError if another
 * try may help; DisableError if it would do harm (a refused sign-in: accounts are locked for less).
 */
export async function connectFtps(
  lent: ConnectLent,
  signal: AbortSignal,
  stages: Stages = {},
): Promise<FtpsSession> {
  const { settings } = lent;
  const credential = await lent.credential(settings.credential);
  const attempt: Attempt = {
    place: placeOf(settings.connect),
    security: settings.security,
    stage: 'connect',
    user: userOf(credential),
  };
  const tls =
    settings.security === 'none'
      ? undefined
      : await clientTls(lent, settings.tls, settings.connect.host);
  const client = new Client(settings.timeout === Number.POSITIVE_INFINITY ? 0 : settings.timeout, {
    allowSeparateTransferHost: settings.separateDataHost,
  });
  // Its log would go to the console if it were switched on.
  client.ftp.log = () => undefined;
  const heard = new Heard(client, settings);
  try {
    return await heard.within(signal, async () => {
      await greet(client, { attempt, settings, tls, stages, heard });
      return await signIn(client, { attempt, settings, credential });
    });
  } catch (error) {
    client.close();
    signal.throwIfAborted();
    await heard.askIfUnheard(attempt.stage, error);
    throw failureOf(error, attempt, heard.protocol);
  } finally {
    heard.stop();
  }
}

function userOf(credential: Credential): string {
  if (credential.kind === 'basic') return credential.user;
  throw new DisableError(
    `FTP cannot sign in with a credential of kind ${credential.kind}. Use one of kind basic.`,
  );
}

interface Greeting {
  readonly attempt: Attempt;
  readonly settings: FtpsConnectionSettings;
  readonly tls: Awaited<ReturnType<typeof clientTls>> | undefined;
  readonly stages: Stages;
  readonly heard: Heard;
}

/** Connects up to the point where a password may be sent. */
async function greet(
  client: Client,
  { attempt, settings, tls, stages, heard }: Greeting,
): Promise<void> {
  const { host, port } = settings.connect;
  // Data connections go to an address; their certificate is still checked for this name.
  const options = tls === undefined ? undefined : { ...tls, host };
  const implicit = options !== undefined && settings.security === 'implicit';
  const greeting = implicit
    ? client.connectImplicitTLS(host, port, options)
    : client.connect(host, port);
  heard.listen();
  const { message } = await greeting;
  stages.greeting?.(printable(message));
  if (options !== undefined && !implicit) {
    attempt.stage = 'tls';
    await client.useTLS(options);
  }
  if (options !== undefined) stages.tls?.(securityOf(client));
}

interface SigningIn {
  readonly attempt: Attempt;
  readonly settings: FtpsConnectionSettings;
  readonly credential: Credential;
}

async function signIn(
  client: Client,
  { attempt, settings, credential }: SigningIn,
): Promise<FtpsSession> {
  if (credential.kind !== 'basic') throw new TypeError('not a basic credential');
  attempt.stage = 'sign-in';
  // Umlauts in a user or password are sent as UTF-8; servers that do not know the command refuse it.
  await client.sendIgnoringError('OPTS UTF8 ON');
  await client.login(credential.user, credential.password);
  attempt.stage = 'set-up';
  await client.useDefaultSettings();
  // The library ignores a refusal; the data connection would then fail or hang.
  if (settings.security !== 'none') await client.send('PROT P');
  const features = await client.features();
  // If MLSD is refused, the library would fall back to LIST, which shows a closed folder as empty.
  if (features.has('MLST')) client.availableListCommands = ['MLSD'];
  client.ftp.socket.setNoDelay(true).setKeepAlive(true, 30_000);
  const facts: FtpsFacts = {
    place: attempt.place,
    security: securityOf(client),
    start: await client.pwd(),
    features: new Set([...features.keys()].map((name) => name.toUpperCase())),
    timeout: settings.timeout,
  };
  return new FtpsSession(client, facts);
}

function securityOf({ ftp: { socket } }: Client): string {
  if (!(socket instanceof TLSSocket)) return 'no encryption';
  return `${socket.getProtocol()}, ${socket.getCipher().name}`;
}

function printable(text: string): string {
  return text
    .replaceAll(/[^ -~\n]/g, '?')
    .replaceAll('\n', ' ')
    .slice(0, 200);
}

/** How long a server may be silent before we check whether it speaks TLS, and how long it has to answer. */
const SILENCE = 2_000;
const ANSWER = 3_000;

/** Records what the peer says first, and limits the total time of connecting. */
class Heard {
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

  /** What the peer speaks, if it is not FTP as configured. */
  get protocol(): SpokenProtocol | undefined {
    return this.#protocol;
  }

  /** Ends the wait when the time is up or the signal aborts: the library has no limit for a TLS handshake. */
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
      () => background(this.#askForTls(), 'checking a silent port for TLS'),
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

  /** After a failure: takes another look at a server that gave no sign of what it is. */
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

  /** Whether a server that was addressed in TLS begins in plain text. */
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

/** A refused certificate is an answer in TLS. */
function isCertificate(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' && /CERT|ISSUER|SIGNED|CRL|LEAF|WAYBILL/.test(code);
}

/** What a port says on its own; nothing if it is silent. */
async function firstBytes(address: setting.Address, patience: number): Promise<Buffer> {
  const socket = connect(address);
  try {
    const [bytes] = (await once(socket, 'data', {
      signal: AbortSignal.timeout(timerTime(patience)),
    })) as [Buffer];
    return bytes;
  } catch {
    // it is silent, or has ended the connection
    return Buffer.alloc(0);
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** What one try to connect started with, and how far it got. */
interface Attempt {
  readonly place: string;
  readonly security: FtpsConnectionSettings['security'];
  readonly user: string;
  stage: 'connect' | 'tls' | 'sign-in' | 'set-up';
}

/** Why connecting failed and what to do. The words of the server are not quoted. */
function failureOf(error: unknown, attempt: Attempt, heard: SpokenProtocol | undefined): Error {
  if (error instanceof DisableError) return error;
  if (heard !== undefined) return foreign(attempt, heard);
  const code = replyCode(error);
  const text = error instanceof Error ? error.message : '';
  if (code !== undefined) return answered(attempt, code, text);
  const { place } = attempt;
  if (/Timeout/i.test(text)) {
    return new NotConnectedError(
      `${place} did not finish connecting in time. Check that an FTP server listens on this port; a slow one needs a longer connectTimeout.`,
    );
  }
  if (attempt.stage === 'connect' && /FIN packet|closed connection/.test(text)) {
    return new NotConnectedError(
      `${place} closed the connection before its greeting. It may have reached its limit of connections or allow only known addresses: look at its log.`,
    );
  }
  return notConnected(error, place);
}

function foreign({ place, security }: Attempt, spoken: SpokenProtocol): NotConnectedError {
  if (spoken.name === 'TLS') {
    return new NotConnectedError(
      `${place} speaks TLS from the start: this is implicit TLS. Set security: implicit.`,
    );
  }
  if (spoken.name === 'SSH') {
    return new NotConnectedError(
      `${place} is an SSH server: it speaks SFTP, which is not FTPS. Use sftp-in or sftp-out.`,
    );
  }
  if (security === 'implicit' && /FTP/.test(spoken.name)) {
    return new NotConnectedError(
      `${place} begins in plain text and not with TLS: this is explicit TLS. Set security: explicit.`,
    );
  }
  return new NotConnectedError(`${place} ${spoken.seen}, not FTP. ${spoken.remedy}.`);
}

/** Some servers say what they want in words, with a code that means something else. */
function saidOfTls(
  { place, stage, security }: Attempt,
  code: number,
  text: string,
): NotConnectedError | undefined {
  if (!/\b(TLS|SSL|certificate|encrypt\w*|secure)\b/i.test(text)) return undefined;
  if (security === 'none' && (stage === 'sign-in' || code === 421)) {
    return new NotConnectedError(
      `${place} allows no sign-in without encryption (${code}). Set security: explicit.`,
    );
  }
  if (code !== 421) return undefined;
  return new NotConnectedError(
    `${place} ends the connection over TLS (421). It may want a client certificate or another version of TLS: look at its log.`,
  );
}

function answered(attempt: Attempt, code: number, text: string): Error {
  const { place, stage, security, user } = attempt;
  const ofTls = saidOfTls(attempt, code, text);
  if (ofTls !== undefined) return ofTls;
  if (code === 421) {
    return new NotConnectedError(
      `${place} accepts no connection now (421). It may have reached its limit; it is retried.`,
    );
  }
  if (stage === 'tls') {
    return new NotConnectedError(
      `${place} offers no TLS: it refused AUTH TLS (${code}). Ask its owner to switch it on, or which port has implicit TLS.`,
    );
  }
  if (stage === 'sign-in' && [332, 430, 530, 532].includes(code)) {
    return new DisableError(
      `${place} refused the sign-in of ${user} (${code}). Check user and password with its owner, and whether the account is locked or restricted to other addresses.`,
    );
  }
  if (stage === 'set-up' && security !== 'none' && [502, 504, 533, 534, 536].includes(code)) {
    return new NotConnectedError(
      `${place} refuses to encrypt files (PROT P, ${code}). Ask its owner to allow it: nothing is sent in plain text.`,
    );
  }
  return new NotConnectedError(
    `${place} answered ${code} while we ${STAGES[stage]}. Look at its log.`,
  );
}

const STAGES: Readonly<Record<Attempt['stage'], string>> = {
  connect: 'connected',
  tls: 'switched to TLS',
  'sign-in': 'signed in',
  'set-up': 'set up transfers',
};
