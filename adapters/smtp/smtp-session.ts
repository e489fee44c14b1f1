import SMTPConnection, {
  type SMTPConnectionCustomAuthContext,
  type SMTPConnectionEnvelope,
  type SMTPConnectionSendInfo,
  type SMTPEnvelope,
} from 'nodemailer/lib/smtp-connection';
import {
  type Credential,
  DisableError,
  NotConnectedError,
  type setting,
  timerTime,
} from 'waybill/adapter';
import { dial, placeOf } from 'waybill/peer/basics';
import { clientTls, PUBLIC_TLS, type TlsClientLent } from 'waybill/peer/tls';
import type { Mail } from './mail.ts';
import { MailContent } from './mail-content.ts';
import { answerOf, type SmtpAnswer } from './smtp-answer.ts';
import { connectionFailure, mailFailure } from './smtp-failure.ts';
import { describeSignIn, type Mechanism, type SignedIn, signIn } from './smtp-sign-in.ts';

/** How to reach the server and who we are there; with the names of the settings. */
export interface Account extends Way {
  /** A name under `credentials`; undefined sends without signing in. */
  readonly credential: string | undefined;
  /** If undefined, it is chosen by the kind of credential and what is offered. */
  readonly mechanism: Mechanism | undefined;
  /** The mailbox a token is for, if the credential does not name it. */
  readonly mailbox: string | undefined;
}

/** One mail to send. */
export interface Handover extends Pick<Mail, 'size' | 'content'> {
  readonly from: string;
  readonly to: readonly string[];
  /**
   * Called if some recipients were refused and others not, before the mail itself is sent. An error
   * stops the mail: nobody gets it.
   */
  onRefused(refusals: readonly RefusedRecipient[]): void;
}

export interface RefusedRecipient {
  readonly recipient: string;
  readonly answer: SmtpAnswer;
}

/** A connection to an SMTP server, secured and signed in. It sends one mail at a time. */
export interface SmtpSession {
  readonly place: string;
  /** Undefined without a credential. */
  readonly signedIn: SignedIn | undefined;
  readonly secure: boolean;
  /** The lines after EHLO. */
  readonly capabilities: readonly string[];
  /** The maximum size of a mail in bytes; undefined if the server does not say. */
  readonly sizeLimit: number | undefined;
  /** How many mails were tried on it. */
  readonly mails: number;
  readonly ended: boolean;
  /** Sends one command and waits for its answer: to test what the server allows. */
  ask(command: string): Promise<SmtpAnswer>;
  /** Resolves with the server's confirmation; rejects with the error that says what the engine should do. */
  deliver(mail: Handover, signal: AbortSignal): Promise<SmtpAnswer>;
  /** Resolves once the connection has ended, for whatever reason. */
  readonly end: Promise<void>;
  /** Says goodbye and closes; a server that does not answer is given a second. */
  quit(): Promise<void>;
}

/**
 * Connects, secures and signs in. With a credential, nothing is ever sent without a sign-in, and no
 * secret is sent over plain text, whatever the server offers.
 */
export async function openSession(
  lent: TlsClientLent,
  account: Account,
  signal: AbortSignal,
): Promise<SmtpSession> {
  const credential = await credentialOf(lent, account);
  const late = new AbortController();
  const time = account.connectTimeout + account.timeout;
  // the library's limits are ones of silence, which a server that says a byte now and then never reaches
  const timer = setTimeout(() => late.abort(), timerTime(time));
  try {
    return await signedInSession(
      lent,
      { account, credential },
      AbortSignal.any([signal, late.signal]),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!late.signal.aborted) throw error;
    throw new NotConnectedError(
      `Not connected: ${placeOf(account.connect)} did not finish the sign-in within ${time / 1_000} s. Look at its load and at the network between us.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function signedInSession(
  lent: TlsClientLent,
  {
    account,
    credential,
  }: { readonly account: Account; readonly credential: MailCredential | undefined },
  signal: AbortSignal,
): Promise<SmtpSession> {
  const line = await openLine(lent, account, signal);
  try {
    const signedIn =
      credential === undefined
        ? undefined
        : await signInOver(line, account, { credential, signal });
    return session(line, signedIn);
  } catch (error) {
    line.connection.close();
    throw error;
  }
}

/** Milliseconds that a server has to answer QUIT. */
const GOODBYE = 1_000;

type MailCredential = Extract<Credential, { kind: 'basic' | 'bearer' | 'oauth2' }>;

async function credentialOf(
  lent: TlsClientLent,
  { credential: name, security }: Account,
): Promise<MailCredential | undefined> {
  if (name === undefined) return undefined;
  if (security === 'none') {
    throw new DisableError(
      'A credential is configured with security none: the password would cross the network in plain text. Use security starttls or tls.',
    );
  }
  const credential = await lent.credential(name);
  if (credential.kind === 'basic' || credential.kind === 'bearer' || credential.kind === 'oauth2') {
    return credential;
  }
  throw new DisableError(
    `SMTP cannot sign in with a credential of kind ${credential.kind}. Use basic, bearer or oauth2.`,
  );
}

async function signInOver(
  line: Line,
  { connect, mechanism, mailbox }: Account,
  { credential, signal }: { readonly credential: MailCredential; readonly signal: AbortSignal },
): Promise<SignedIn> {
  const offered = line.capabilities
    .filter((capability) => /^AUTH[ =]/i.test(capability))
    .flatMap((capability) =>
      capability
        .slice('AUTH '.length)
        .toUpperCase()
        .split(/[\s=]+/),
    );
  return signIn({
    address: connect,
    credential,
    mailbox,
    offered: [...new Set(offered)],
    only: mechanism,
    signal,
    ask: (command) => line.ask(command),
  });
}

function session(line: Line, signedIn: SignedIn | undefined): SmtpSession {
  const { connection, place, capabilities } = line;
  let mails = 0;
  let ended = false;
  const end = new Promise<void>((resolve) => {
    connection.once('end', () => {
      ended = true;
      resolve();
    });
  });
  return {
    place,
    signedIn,
    secure: connection.secure,
    capabilities,
    sizeLimit: sizeLimit(capabilities),
    get mails() {
      return mails;
    },
    get ended() {
      return ended;
    },
    ask: (command) => line.ask(command),
    deliver(mail, signal) {
      mails += 1;
      return deliver(line, mail, signal);
    },
    end,
    async quit() {
      if (ended) return;
      const patience = setTimeout(() => connection.close(), GOODBYE);
      connection.quit();
      await end;
      clearTimeout(patience);
    },
  };
}

/** The state of a connection: support desks ask first which mechanisms were offered and used. */
export function describeSession({ place, secure, signedIn }: SmtpSession): string {
  const how = secure ? 'encrypted' : 'in plain text';
  return `${place}, ${how}, ${signedIn === undefined ? 'without signing in' : describeSignIn(signedIn)}`;
}

function sizeLimit(capabilities: readonly string[]): number | undefined {
  const line = capabilities.find((capability) => /^SIZE\b/i.test(capability)) ?? '';
  const bytes = Number(/\d+/.exec(line)?.[0] ?? 0);
  return bytes === 0 ? undefined : bytes;
}

async function deliver(line: Line, mail: Handover, signal: AbortSignal): Promise<SmtpAnswer> {
  const { connection, place } = line;
  const tracked = envelope(mail);
  const content = new MailContent(mail, () => {
    const refused = tracked.rejectedErrors;
    if (refused.length > 0) mail.onRefused(refused.map(refusal));
  });
  try {
    const sent = await untilEnd<SMTPConnectionSendInfo>(connection, signal, (done) => {
      connection.send(tracked, content, done);
    });
    return answerOf(sent.response);
  } catch (error) {
    const isAnswer = (error as NodemailerRefusal).response !== undefined;
    const intact = isAnswer && content.progress !== 'reading' && (await isReset(line, signal));
    if (!intact) connection.close();
    signal.throwIfAborted();
    throw content.failure ?? mailFailure(error, place, content.progress);
  } finally {
    content.destroy();
  }
}

/** nodemailer records who was refused in the envelope itself. */
function envelope({ from, to, size }: Handover): SMTPEnvelope & SMTPConnectionEnvelope {
  return { from, to: [...to], size, rcptQueue: [], rejected: [], rejectedErrors: [], accepted: [] };
}

function refusal({ recipient = '', response = '' }: NodemailerRefusal): RefusedRecipient {
  return { recipient, answer: answerOf(response) };
}

type NodemailerRefusal = SMTPConnectionEnvelope['rejectedErrors'][number];

/** After a refusal the connection can be used for the next mail, if the server agrees. */
async function isReset({ connection }: Line, signal: AbortSignal): Promise<boolean> {
  if (connection.destroyed) return false;
  try {
    await untilEnd(connection, signal, (done) => connection.reset((error) => done(error)));
    return true;
  } catch {
    // in any case, a new connection is opened
    return false;
  }
}

type TlsSettings = NonNullable<Parameters<typeof clientTls>[1]>;

/** Where the server is and how the connection is secured. */
interface Way {
  readonly connect: setting.Address;
  /** `starttls` and `tls` never fall back to plain text. */
  readonly security: 'none' | 'starttls' | 'tls';
  readonly tls: TlsSettings | undefined;
  /** Our name in EHLO. Default: this machine's name. */
  readonly clientName: string | undefined;
  /** Milliseconds for connecting, and again for the greeting with STARTTLS. */
  readonly connectTimeout: number;
  /** Milliseconds without a byte from the server after which the connection counts as lost. */
  readonly timeout: number;
}

/** A secured connection on which commands can be sent. */
interface Line {
  readonly connection: SMTPConnection;
  readonly place: string;
  /** The latest lines after EHLO: those sent after TLS was on. */
  readonly capabilities: readonly string[];
  /** Sends one line and waits for its answer. */
  ask(command: string): Promise<SmtpAnswer>;
}

/** The name under which we ask nodemailer for its line; the server never sees it. */
const LINE = 'LINE';

/** Connects and secures. Nothing secret is sent. Throws NotConnectedError with the cause in plain words. */
async function openLine(lent: TlsClientLent, way: Way, signal: AbortSignal): Promise<Line> {
  const { connect: address, security, connectTimeout } = way;
  const tls = way.tls ?? PUBLIC_TLS;
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
  // An unhandled 'error' event would end the process; whoever waits gets it through untilEnd.
  connection.on('error', () => undefined);
  try {
    await untilEnd(connection, signal, (done) => connection.connect(done));
    const capabilities = capabilitiesOf(connection);
    // The sign-in is done here and not by nodemailer, which sends in plain text, or without signing
    // in, depending on what the server offers. Its hook for custom mechanisms gives us the line.
    connection.login({ method: LINE, user: LINE }, () => undefined);
    const use = await lineUse.promise;
    const ask = async (command: string): Promise<SmtpAnswer> => {
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
 * the connection at once. nodemailer does not call back when we close it.
 */
function untilEnd<Value = void>(
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
    // After a 421 nodemailer closes first and then reports the error that says why.
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
