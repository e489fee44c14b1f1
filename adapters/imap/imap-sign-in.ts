import type { ImapFlowOptions } from 'imapflow';
import {
  type Credential,
  DisableError,
  NotConnectedError,
  type TokenCredential,
} from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { clientTls, type TlsClientLent } from 'waybill/peer/tls';
import { type Choice, ImapClient, type Mechanism } from './imap-client.ts';
import { type ImapError, imapFailure } from './imap-failure.ts';
import { isPassing, refusalFailure } from './imap-refusal.ts';
import type { ImapValues } from './imap-settings.ts';

type BasicCredential = Extract<Credential, { kind: 'basic' }>;

/** In order of preference for each kind of credential. */
const PASSWORD_MECHANISMS: readonly Mechanism[] = ['PLAIN', 'LOGIN'];
const TOKEN_MECHANISMS: readonly Mechanism[] = ['OAUTHBEARER', 'XOAUTH2'];

/** A signed-in connection, and how the sign-in went. */
export interface SignedIn {
  readonly client: ImapClient;
  readonly text: string;
}

type Proof = { readonly user: string } & (
  | { readonly pass: string }
  | { readonly accessToken: string }
);

/**
 * Connects and signs in with the first mechanism that fits the credential, is offered and is
 * accepted; if the server does not want a mechanism, the next is tried, but a refused password is
 * not sent again with another one: accounts are locked after a few. A refused token is renewed
 * once. A refusal ends the connection, so every try makes a new one. Throws a DisableError when
 * there is nothing more to try.
 */
export async function signIn(
  lent: TlsClientLent,
  settings: ImapValues,
  signal: AbortSignal,
): Promise<SignedIn> {
  const place = placeOf(settings.connect);
  const credential = credentialOf(await lent.credential(settings.credential));
  const options = await connectionOptions(lent, settings);
  const refused = new Map<Mechanism, string>();
  let renewed = false;
  let auth = await proof(credential, settings, { signal });
  for (;;) {
    const choose = choice(settings, credential, refused);
    const client = new ImapClient({ ...options, auth }, choose);
    const refusal = await connected(client, place, signal);
    const { used } = client;
    if (refusal === undefined) return { client, text: describe(client, refused) };
    if (used === undefined) throw imapFailure(refusal, place, client.bye);
    if ('accessToken' in auth && !renewed) {
      renewed = true;
      auth = await proof(credential, settings, { signal, refused: auth.accessToken });
      continue;
    }
    refused.set(used, refusal.serverResponseCode ?? 'NO');
    const isLeft = fitting(settings, credential, client.offered).some((one) => !refused.has(one));
    if (isLeft && isOfMechanism(refusal)) continue;
    throw new DisableError(
      `${place} refused the sign-in with ${list(refused)}; it offers ${client.offered.join(', ')}. ${remedy(credential, refusal.serverResponseCode)}`,
    );
  }
}

/** Codes about the mechanism and not the password. Without a code, NO means the password. */
const MECHANISM = new Set(['CANNOT', 'PRIVACYREQUIRED', 'CLIENTBUG', 'NOPERM']);

function isOfMechanism({ serverResponseCode = '', responseStatus }: ImapError): boolean {
  return responseStatus === 'BAD' || MECHANISM.has(serverResponseCode);
}

/** Undefined once signed in, or the refusal. Throws if the sign-in could not be attempted. */
async function connected(
  client: ImapClient,
  place: string,
  signal: AbortSignal,
): Promise<ImapError | undefined> {
  const stop = () => client.close();
  signal.addEventListener('abort', stop, { once: true });
  // An unhandled 'error' event would end the process; 'close' reports the end.
  client.on('error', () => undefined);
  try {
    signal.throwIfAborted();
    await client.connect();
    return undefined;
  } catch (error) {
    client.close();
    signal.throwIfAborted();
    const failure = error as ImapError;
    if (failure.authenticationFailed !== true) throw imapFailure(error, place, client.bye);
    if (!isPassing(failure.serverResponseCode ?? '')) return failure;
    // The password is not mentioned: it need not be corrected.
    throw refusalFailure(failure, { what: `${place} does not let us sign in now`, otherwise: '' });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function connectionOptions(
  lent: TlsClientLent,
  { connect, security, tls, connectTimeout, timeout }: ImapValues,
): Promise<ImapFlowOptions> {
  return {
    host: connect.host,
    port: connect.port,
    secure: security === 'tls',
    ...(security === 'starttls' ? { doSTARTTLS: true } : {}),
    tls: await clientTls(lent, tls, connect.host),
    connectionTimeout: connectTimeout,
    greetingTimeout: connectTimeout,
    socketTimeout: timeout,
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    maxLockHoldTime: false,
    clientInfo: { name: 'Waybill', vendor: false, 'support-url': false },
  };
}

function credentialOf(credential: Credential): BasicCredential | TokenCredential {
  const { kind } = credential;
  if (kind === 'basic' || kind === 'bearer' || kind === 'oauth2') return credential;
  throw new DisableError(
    `IMAP cannot sign in with a credential of kind ${kind}. Use basic, bearer or oauth2.`,
  );
}

async function proof(
  credential: BasicCredential | TokenCredential,
  { mailbox }: ImapValues,
  { signal, refused }: { readonly signal: AbortSignal; readonly refused?: string },
): Promise<Proof> {
  if (credential.kind === 'basic') return { user: credential.user, pass: credential.password };
  const user = credential.user ?? mailbox;
  if (user !== undefined) {
    const fresh = refused !== undefined;
    return { user, accessToken: await credential.token(signal, { fresh, refused }) };
  }
  throw new DisableError(
    'The token needs the name of the mailbox it is for. Set user in the credential, or mailbox here.',
  );
}

function fitting(
  { mechanism }: ImapValues,
  { kind }: BasicCredential | TokenCredential,
  offered: readonly string[],
): readonly Mechanism[] {
  const own = kind === 'basic' ? PASSWORD_MECHANISMS : TOKEN_MECHANISMS;
  const wished = own.filter((one) => mechanism === 'auto' || one === mechanism);
  return wished.filter((one) => offered.includes(one));
}

function choice(
  settings: ImapValues,
  credential: BasicCredential | TokenCredential,
  refused: ReadonlyMap<Mechanism, string>,
): Choice {
  return (offered) => {
    const found = fitting(settings, credential, offered).find((one) => !refused.has(one));
    if (found !== undefined) return found;
    const wish = settings.mechanism === 'auto' ? '' : ` with mechanism ${settings.mechanism}`;
    throw new NotConnectedError(
      `Not connected: ${placeOf(settings.connect)} offers ${offered.join(', ') || 'no sign-in'}, none of which works with a credential of kind ${credential.kind}${wish}. Use another kind of credential, or have the server allow it.`,
    );
  };
}

function describe({ offered, used }: ImapClient, refused: ReadonlyMap<Mechanism, string>): string {
  const before = refused.size === 0 ? '' : `; refused before: ${list(refused)}`;
  return `signed in with ${used} (offered: ${offered.join(', ')}${before})`;
}

const list = (refused: ReadonlyMap<Mechanism, string>): string =>
  [...refused].map(([mechanism, code]) => `${mechanism} (${code})`).join(', ');

/** Codes of a refusal that suggest what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  EXPIRED: 'The password has expired: set a new one.',
  AUTHORIZATIONFAILED:
    'The account is valid, but may not use this mailbox: have access granted, or correct user.',
  CONTACTADMIN: 'The account is locked or switched off: ask those who run the server.',
};

function remedy({ kind }: BasicCredential | TokenCredential, code = ''): string {
  const known = REMEDIES[code];
  if (known !== undefined) return known;
  return kind === 'basic'
    ? 'Check user and password, and that the account may use IMAP.'
    : 'Check that the token is for this mailbox and service (for Exchange Online: IMAP.AccessAsApp, and the application has access to the mailbox).';
}
