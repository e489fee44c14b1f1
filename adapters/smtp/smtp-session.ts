import type {
  SMTPConnectionEnvelope,
  SMTPConnectionSendInfo,
  SMTPEnvelope,
} from 'nodemailer/lib/smtp-connection';
import { type Credential, DisableError } from 'waybill/adapter';
import { type TlsClientLent } from 'waybill/peer';
import type { Mail } from './mail.ts';
import { MailContent } from './mail-content.ts';
import { describeSignIn, type Mechanism, type SignedIn, signIn } from './sign-in.ts';
import { type Answer, answerOf } from './smtp-answer.ts';
import { mailFailure } from './smtp-failure.ts';
import { type Line, openLine, untilEnd, type Way } from './smtp-line.ts';

/** How to reach the server and who we are there; named as in the settings. */
export interface Account extends Way {
  /** A name under `credentials`; undefined sends without signing in. */
  readonly credential: string | undefined;
  /** Undefined chooses by the kind of credential and by what is offered. */
  readonly mechanism: Mechanism | undefined;
  /** The mailbox a token is for, where the credential does not say it. */
  readonly mailbox: string | undefined;
}

/** One mail to hand over. */
export interface Handover extends Pick<Mail, 'size' | 'content'> {
  readonly from: string;
  readonly to: readonly string[];
  /**
   * Called if some recipients were refused and others not, before the mail itself is sent. What it
   * throws breaks the mail off: nobody gets it.
   */
  onRefused(refusals: readonly Refusal[]): void;
}

export interface Refusal {
  readonly recipient: string;
  readonly answer: Answer;
}

/** A connection to an SMTP server, secured and signed in. It hands over one mail at a time. */
export interface SmtpSession {
  readonly place: string;
  /** Undefined without a credential. */
  readonly signedIn: SignedIn | undefined;
  readonly secure: boolean;
  /** The lines after EHLO. */
  readonly capabilities: readonly string[];
  /** Bytes the server takes as one mail; undefined if it does not say. */
  readonly sizeLimit: number | undefined;
  /** Mails tried over it. */
  readonly mails: number;
  readonly ended: boolean;
  /** Sends one command and waits for its answer: for a test of what the server allows. */
  ask(command: string): Promise<Answer>;
  /** Resolves with the server's confirmation; rejects with what the engine is to do. */
  deliver(mail: Handover, signal: AbortSignal): Promise<Answer>;
  /** Resolves once the connection has ended, for whatever reason. */
  readonly end: Promise<void>;
  /** Says goodbye and closes; a server that does not answer is given a second. */
  quit(): Promise<void>;
}

/**
 * Connects, secures and signs in. With a credential nothing is ever sent without having signed in,
 * and never a secret over plain text, whatever the server offers.
 */
export async function openSession(
  lent: TlsClientLent,
  account: Account,
  signal: AbortSignal,
): Promise<SmtpSession> {
  const credential = await credentialOf(lent, account);
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
      'A credential is configured with security none: the password would cross the network in clear text. Use security starttls or tls.',
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

/** How a connection stands: which mechanisms were offered and used is what a support desk asks first. */
export function describeSession({ place, secure, signedIn }: SmtpSession): string {
  const how = secure ? 'encrypted' : 'in plain text';
  return `${place}, ${how}, ${signedIn === undefined ? 'without signing in' : describeSignIn(signedIn)}`;
}

function sizeLimit(capabilities: readonly string[]): number | undefined {
  const line = capabilities.find((capability) => /^SIZE\b/i.test(capability)) ?? '';
  const bytes = Number(/\d+/.exec(line)?.[0] ?? 0);
  return bytes === 0 ? undefined : bytes;
}

async function deliver(line: Line, mail: Handover, signal: AbortSignal): Promise<Answer> {
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

/** nodemailer keeps its book of who was refused in the envelope itself. */
function envelope({ from, to, size }: Handover): SMTPEnvelope & SMTPConnectionEnvelope {
  return { from, to: [...to], size, rcptQueue: [], rejected: [], rejectedErrors: [], accepted: [] };
}

function refusal({ recipient = '', response = '' }: NodemailerRefusal): Refusal {
  return { recipient, answer: answerOf(response) };
}

type NodemailerRefusal = SMTPConnectionEnvelope['rejectedErrors'][number];

/** After a refusal the connection can serve the next mail, if the server agrees. */
async function isReset({ connection }: Line, signal: AbortSignal): Promise<boolean> {
  if (connection.destroyed) return false;
  try {
    await untilEnd(connection, signal, (done) => connection.reset((error) => done(error)));
    return true;
  } catch {
    // however it ended: a new connection is opened
    return false;
  }
}
