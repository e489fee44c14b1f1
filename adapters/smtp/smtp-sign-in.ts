import { createHmac } from 'node:crypto';
import {
  type Credential,
  DisableError,
  NotConnectedError,
  type setting,
  TemporaryError,
  type TokenCredential,
} from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { bearerProof, passwordProof } from 'waybill/peer/mail';
import { meaning, type SmtpAnswer } from './smtp-answer.ts';

type BasicCredential = Extract<Credential, { kind: 'basic' }>;

/** In order of preference for each kind of credential. */
const PASSWORD_MECHANISMS = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const;
const TOKEN_MECHANISMS = ['OAUTHBEARER', 'XOAUTH2'] as const;

export type Mechanism = (typeof PASSWORD_MECHANISMS | typeof TOKEN_MECHANISMS)[number];

/** What is needed to sign in on one connection. */
export interface SmtpSignIn {
  readonly address: setting.Address;
  readonly credential: BasicCredential | TokenCredential;
  /** The mailbox a token is for, if the credential does not name it. */
  readonly mailbox: string | undefined;
  /** As sent by the server after the connection was secured. */
  readonly offered: readonly string[];
  /** The mechanism to use; if undefined, it is chosen by credential and offer. */
  readonly only: Mechanism | undefined;
  readonly signal: AbortSignal;
  /** Sends one line and returns the server's answer. */
  readonly ask: (line: string) => Promise<SmtpAnswer>;
}

/** How the sign-in went: shown to operators, and in a connection test. */
export interface SignedIn {
  readonly used: Mechanism;
  readonly offered: readonly string[];
  /** Those that were tried before and refused, with the server's code. */
  readonly refused: readonly string[];
}

export function describeSignIn({ used, offered, refused }: SignedIn): string {
  const before = refused.length === 0 ? '' : `; refused before: ${refused.join(', ')}`;
  return `signed in with ${used} (offered: ${offered.join(', ')}${before})`;
}

/**
 * Signs in with the first mechanism that fits the credential, is offered and is accepted. If the
 * server does not want a mechanism, the next is tried; a refused password is not sent again with
 * another one, since accounts are locked after a few; a refused token is renewed once. Throws a
 * DisableError when there is nothing more to try; a NotConnectedError when none is offered, and a
 * TemporaryError when the server cannot say now.
 */
export async function signIn(parts: SmtpSignIn): Promise<SignedIn> {
  const place = placeOf(parts.address);
  const refused: string[] = [];
  const mechanisms = candidates(parts);
  for (const used of mechanisms) {
    const answer = await attempt(used, parts);
    if (answer.status === 235) return { used, offered: parts.offered, refused };
    if (answer.status < 500) {
      throw new TemporaryError(
        `${place} cannot check the sign-in now: ${answer.code} to AUTH ${used}.`,
        { detail: answer.text },
      );
    }
    refused.push(`${used} (${answer.code}${meaning(answer)})`);
    if (!isOfMechanism(answer)) break;
  }
  throw new DisableError(
    `${place} refused the sign-in with ${refused.join(', ')}; it offers ${list(parts.offered)}. ${remedy(parts)}`,
  );
}

/** Whether the mechanism was refused and not the secret: unknown, not allowed, too weak, or only over TLS. */
function isOfMechanism({ status, code }: SmtpAnswer): boolean {
  if (/ 5\.7\.(8|3|139)$/.test(code)) return false;
  return [500, 501, 502, 503, 504, 534, 538].includes(status);
}

function candidates({ address, credential, offered, only }: SmtpSignIn): readonly Mechanism[] {
  const place = placeOf(address);
  const fitting: readonly Mechanism[] =
    credential.kind === 'basic' ? PASSWORD_MECHANISMS : TOKEN_MECHANISMS;
  if (only !== undefined) {
    if (fitting.includes(only)) return [only];
    throw new DisableError(
      `mechanism ${only} does not work with a credential of kind ${credential.kind}. Use ${list(fitting)}, or leave it out.`,
    );
  }
  const found = fitting.filter((mechanism) => offered.includes(mechanism));
  if (found.length > 0) return found;
  throw new NotConnectedError(
    offered.length === 0
      ? `${place} offers no sign-in although a credential is configured, so nothing is sent. Use the port for submission (587 or 465); remove the credential only if this relay trusts the network.`
      : `${place} offers ${list(offered)}, none of which works with a credential of kind ${credential.kind} (${list(fitting)}). Use another kind of credential, or have the server allow one of these.`,
  );
}

function remedy({ credential }: SmtpSignIn): string {
  return credential.kind === 'basic'
    ? 'Check user and password, and that the account may use SMTP.'
    : 'Check that the token is for this mailbox and service (for Exchange Online: SMTP.SendAsApp, and the application has access to the mailbox).';
}

const list = (names: readonly string[]): string => names.join(', ');

async function attempt(mechanism: Mechanism, parts: SmtpSignIn): Promise<SmtpAnswer> {
  const { credential, ask } = parts;
  if (credential.kind === 'basic') return password(mechanism, credential, ask);
  const user = credential.user ?? parts.mailbox;
  if (user === undefined) {
    throw new DisableError(
      'The token needs the name of the mailbox it is for. Set user in the credential, or mailbox here.',
    );
  }
  const refused = await credential.token(parts.signal);
  const first = await bearer(mechanism, parts, { user, token: refused });
  if (first.status < 500) return first;
  const token = await credential.token(parts.signal, { fresh: true, refused });
  return bearer(mechanism, parts, { user, token });
}

async function password(
  mechanism: Mechanism,
  { user, password: secret }: BasicCredential,
  ask: SmtpSignIn['ask'],
): Promise<SmtpAnswer> {
  if (mechanism === 'PLAIN') {
    const proof = passwordProof(user, secret);
    const answer = await ask(`AUTH PLAIN ${proof}`);
    // A server that ignores what came with the command asks for it again.
    return answer.status === 334 ? ask(proof) : answer;
  }
  const challenge = await ask(`AUTH ${mechanism}`);
  if (challenge.status !== 334) return challenge;
  if (mechanism === 'CRAM-MD5') {
    const asked = Buffer.from(challenge.text.trim(), 'base64');
    return ask(base64(`${user} ${createHmac('md5', secret).update(asked).digest('hex')}`));
  }
  const second = await ask(base64(user));
  return second.status === 334 ? ask(base64(secret)) : second;
}

async function bearer(
  mechanism: Mechanism,
  { ask, address }: SmtpSignIn,
  { user, token }: { readonly user: string; readonly token: string },
): Promise<SmtpAnswer> {
  const oauth = mechanism === 'OAUTHBEARER';
  const proof = bearerProof(oauth ? mechanism : 'XOAUTH2', { user, token, address });
  const answer = await ask(`AUTH ${mechanism} ${proof}`);
  // A refusal first comes as a challenge with the reason; it is final once that is acknowledged.
  return answer.status === 334 ? ask(oauth ? 'AQ==' : '') : answer;
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
