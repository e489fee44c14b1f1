import {
  type Credential,
  DisableError,
  NotConnectedError,
  type TokenCredential,
} from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { bearerProof, passwordProof } from 'waybill/peer/mail';
import { mailboxFailure, type Pop3Answer, refusalText } from './pop3-answer.ts';
import type { Pop3Values } from './pop3-settings.ts';

export type MailCredential = Extract<Credential, { kind: 'basic' }> | TokenCredential;

type Mechanism = Exclude<Pop3Values['mechanism'], 'auto'>;

const PASSWORD_MECHANISMS: readonly Mechanism[] = ['PLAIN', 'USER'];
const TOKEN_MECHANISMS: readonly Mechanism[] = ['OAUTHBEARER', 'XOAUTH2'];

export interface Pop3SignIn {
  readonly settings: Pop3Values;
  readonly credential: MailCredential;
  /** The mechanisms, as the server names them on the encrypted connection. */
  readonly offered: readonly string[];
  readonly signal: AbortSignal;
  /** Sends one line and returns the answer; undefined for a challenge. */
  readonly ask: (line: string) => Promise<Pop3Answer | undefined>;
}

/** Throws a DisableError if a person has to give another one. */
export function credentialOf(credential: Credential): MailCredential {
  const { kind } = credential;
  if (kind === 'basic' || kind === 'bearer' || kind === 'oauth2') return credential;
  throw new DisableError(
    `POP3 cannot sign in with a credential of kind ${kind}. Use basic, bearer or oauth2.`,
  );
}

/** The name of the mailbox. Throws a DisableError if nothing says it. */
export function userOf(credential: MailCredential, { mailbox }: Pop3Values): string {
  const user = credential.user ?? mailbox;
  if (user !== undefined) return user;
  throw new DisableError(
    'The token needs the name of the mailbox it is for. Set user in the credential, or mailbox here.',
  );
}

/**
 * Signs in, and returns how. The secret is sent once: accounts are locked after a few wrong ones; a
 * refused token is renewed once. Throws a DisableError for a refusal, a TemporaryError if the
 * mailbox is in use or the server cannot say now.
 */
export async function signIn(parts: Pop3SignIn): Promise<string> {
  const { settings, credential, offered } = parts;
  const place = placeOf(settings.connect);
  const used = mechanismOf(parts);
  let answer: Pop3Answer;
  if (credential.kind === 'basic') {
    answer = await password(used, credential, parts.ask);
  } else {
    const refused = await credential.token(parts.signal);
    answer = await bearer(used, parts, refused);
    if (!answer.ok && mailboxFailure(answer, place) === undefined) {
      const token = await credential.token(parts.signal, { fresh: true, refused });
      answer = await bearer(used, parts, token);
    }
  }
  if (answer.ok) return `signed in with ${used} (offered: ${offered.join(', ')})`;
  throw (
    mailboxFailure(answer, place) ??
    new DisableError(
      `${place} refused the sign-in with ${used} (${refusalText(answer)}); it offers ${offered.join(', ')}. ${remedy(credential)}`,
    )
  );
}

function mechanismOf({ settings, credential, offered }: Pop3SignIn): Mechanism {
  const { mechanism } = settings;
  const own = credential.kind === 'basic' ? PASSWORD_MECHANISMS : TOKEN_MECHANISMS;
  const found = own.find(
    (one) => (mechanism === 'auto' || one === mechanism) && offered.includes(one),
  );
  if (found !== undefined) return found;
  const wish = mechanism === 'auto' ? '' : ` with mechanism ${mechanism}`;
  throw new NotConnectedError(
    `Not connected: ${placeOf(settings.connect)} offers ${offered.join(', ') || 'no sign-in'}, none of which works with a credential of kind ${credential.kind}${wish}. Use another kind of credential, or have the server allow it.`,
  );
}

const NOT_ANSWERED: Pop3Answer = { ok: false, code: '', text: '' };

async function bearer(
  used: Mechanism,
  { settings, credential, ask }: Pop3SignIn,
  token: string,
): Promise<Pop3Answer> {
  const user = userOf(credential, settings);
  const mechanism = used === 'OAUTHBEARER' ? used : 'XOAUTH2';
  const address = settings.connect;
  const asked = await ask(`AUTH ${mechanism}`);
  if (asked !== undefined) return asked;
  const answer = await ask(bearerProof(mechanism, { user, token, address }));
  // A refusal first comes as a challenge with the reason; it is final once that is acknowledged.
  return answer ?? (await ask(mechanism === 'OAUTHBEARER' ? 'AQ==' : '')) ?? NOT_ANSWERED;
}

async function password(
  used: Mechanism,
  { user, password: secret }: Extract<Credential, { kind: 'basic' }>,
  ask: Pop3SignIn['ask'],
): Promise<Pop3Answer> {
  if (/[\r\n]/.test(user + secret)) {
    throw new DisableError('The user or password has a line break. Correct the credential.');
  }
  if (used === 'USER') {
    const named = (await ask(`USER ${user}`)) ?? NOT_ANSWERED;
    return named.ok ? ((await ask(`PASS ${secret}`)) ?? NOT_ANSWERED) : named;
  }
  const asked = await ask('AUTH PLAIN');
  return asked ?? (await ask(passwordProof(user, secret))) ?? NOT_ANSWERED;
}

function remedy({ kind }: MailCredential): string {
  return kind === 'basic'
    ? 'Check user and password, and that the account may use POP3.'
    : 'Check that the token is for this mailbox and service (for Exchange Online: POP.AccessAsApp, and the application has access to the mailbox).';
}
