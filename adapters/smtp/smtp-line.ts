import SMTPConnection, {
  type SMTPConnectionCustomAuthContext,
} from 'nodemailer/lib/smtp-connection';
import { type setting } from 'waybill/adapter';
import { clientTls, dial, placeOf, type TlsClientLent } from 'waybill/peer';
import { type Answer, answerOf } from './smtp-answer.ts';
import { connectionFailure } from './smtp-failure.ts';

type TlsSettings = NonNullable<Parameters<typeof clientTls>[1]>;

/** Where the server is and how the way to it is secured. */
export interface Way {
  readonly connect: setting.Address;
  /** `starttls` and `tls` never fall back to plain text. */
  readonly security: 'none' | 'starttls' | 'tls';
  readonly tls: TlsSettings | undefined;
  /** What to call ourselves in EHLO; undefined takes this machine's name. */
  readonly clientName: string | undefined;
  /** Milliseconds for connecting, and again for the greeting with STARTTLS. */
  readonly connectTimeout: number;
  /** Milliseconds without a byte from the server after which the connection counts as lost. */
  readonly timeout: number;
}

/** A secured connection over which commands can be asked. */
export interface Line {
  readonly connection: SMTPConnection;
  readonly place: string;
  /** The lines after EHLO, as the server said them last: once TLS was on. */
  readonly capabilities: readonly string[];
  /** Sends one line and waits for its answer. */
  ask(command: string): Promise<Answer>;
}

/** What an empty `tls` block means: the public authorities, and the name connected to. */
const PUBLIC: TlsSettings = {
  trust: undefined,
  certificate: undefined,
  serverName: undefined,
  verifyName: true,
  allow: [],
  crl: undefined,
  minimum: 'TLSv1.2',
  ciphers: undefined,
};

/** The name under which nodemailer is asked for the use of its line; the server never sees it. */
const LINE = 'LINE';

/** Connects and secures. Nothing secret is sent. Throws NotConnectedError with the cause in plain words. */
export async function openLine(lent: TlsClientLent, way: Way, signal: AbortSignal): Promise<Line> {
  const { connect: address, security, connectTimeout } = way;
  const tls = way.tls ?? PUBLIC;
  const place = placeOf(address);
  const upgrade = security === 'starttls' ? await clientTls(lent, tls, address.host) : {};
  const socket = await dial(
    lent,
    {
      address,
      timeout: connectTimeout,
      tls: security === 'tls' ? tls : undefined,
      startTlsPort: '587 or 25',
    },
    signal,
  );
  const lineUse = Promise.withResolvers<SMTPConnectionCustomAuthContext>();
  const connection = new SMTPConnection({
    host: address.host,
    port: address.port,
    connection: socket,
    secure: security === 'tls',
    secured: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: upgrade,
    name: way.clientName,
    connectionTimeout: connectTimeout,
    greetingTimeout: connectTimeout,
    socketTimeout: way.timeout,
    socketCloseTimeout: 0,
    customAuth: { [LINE]: (context) => lineUse.resolve(context) },
  });
  // An 'error' event that nobody listens to would end the process; whoever waits gets it by untilEnd.
  connection.on('error', () => undefined);
  try {
    await untilEnd(connection, signal, (done) => connection.connect(done));
    const capabilities = capabilitiesOf(connection);
    // Signing in is done here and not by nodemailer, which sends in plain text, or without signing
    // in, depending on what the server offers. Its hook for own mechanisms lends the line.
    connection.login({ method: LINE, user: LINE }, () => undefined);
    const use = await lineUse.promise;
    const ask = async (command: string): Promise<Answer> => {
      const answer = await untilEnd<{ response: string }>(connection, signal, (done) => {
        use.sendCommand(command, done);
      });
      return answerOf(answer.response);
    };
    return { connection, place, capabilities, ask };
  } catch (error) {
    connection.close();
    signal.throwIfAborted();
    throw connectionFailure(error, place);
  }
}

function capabilitiesOf({ lastServerResponse }: SMTPConnection): string[] {
  const response = typeof lastServerResponse === 'string' ? lastServerResponse : '';
  return response
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.replace(/^\d{3}[ -]/, '').trim());
}

/**
 * Waits for nodemailer to call back, for the end of the connection or for the signal, which closes
 * the connection at once. nodemailer forgets who waits when it is closed by us.
 */
export function untilEnd<Value = void>(
  connection: SMTPConnection,
  signal: AbortSignal,
  start: (done: (error?: Error | null, value?: Value) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const close = () => connection.close();
    const settle = (how: () => void): void => {
      connection.off('error', failed);
      connection.off('end', ended);
      signal.removeEventListener('abort', close);
      how();
    };
    const failed = (error: Error): void => settle(() => reject(error));
    // After a 421 nodemailer closes first and then hands out the error that says why.
    const ended = (): NodeJS.Immediate =>
      setImmediate(() => failed(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    connection.on('error', failed);
    connection.on('end', ended);
    signal.addEventListener('abort', close, { once: true });
    start((error, value) => (error ? failed(error) : settle(() => resolve(value as Value))));
    if (signal.aborted) close();
    if (connection.destroyed) ended();
  });
}
