import { TLSSocket } from 'node:tls';
import { Client } from 'basic-ftp';
import { type Credential, DisableError } from 'waybill/adapter';
import { clientTls, placeOf, type TlsClientLent } from 'waybill/peer';
import { type Attempt, failureOf } from './connect-failure.ts';
import { type FtpsFacts, FtpsSession } from './ftps-session.ts';
import type { FtpsConnectionSettings } from './ftps-settings.ts';
import { Heard } from './heard.ts';

/** What connecting needs of what the engine lends. */
export interface ConnectLent extends TlsClientLent {
  readonly settings: FtpsConnectionSettings;
}

/** Told of the stages of a connection: the connection test reports them one by one. */
export interface Stages {
  greeting?(text: string): void;
  tls?(security: string): void;
}

/**
 * Connects, switches to TLS, signs in and sets up transfers. Throws NotConnectedError where another
 * try may help; DisableError where it would do harm (a refused sign-in: accounts are locked for less).
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
  // Its log would go to the console if somebody switched it on.
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

/** Up to the point where a password may be sent. */
async function greet(
  client: Client,
  { attempt, settings, tls, stages, heard }: Greeting,
): Promise<void> {
  const { host, port } = settings.connect;
  // Data connections go to an address; their certificate is checked for this name all the same.
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
  // If MLSD is refused the library would turn to LIST, which shows a closed folder as an empty one.
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
