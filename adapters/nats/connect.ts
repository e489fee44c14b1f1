import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import {
  type Credential,
  DisableError,
  NotConnectedError,
  type setting,
  toldElsewhere,
} from 'waybill/adapter';
import {
  endNatsAttempts,
  firstBytes,
  firstReached,
  notConnected,
  placeOf,
  unlessAborted,
  withRenewedToken,
} from 'waybill/peer/basics';
import { type ClientLent, clientTls } from 'waybill/peer/tls';
import type { NatsConnectionValues } from './nats-settings.ts';

export type NatsLent = ClientLent<NatsConnectionValues>;

/** A signed-in connection. It never reconnects by itself: the engine opens the adapter again. */
export interface NatsSession {
  readonly connection: NatsConnection;
  readonly place: string;
  /** Server, version and how we signed in, for people. */
  readonly facts: string;
}

/** How often a server must give a sign of life, and how many it may leave out: a stopped one would be noticed after minutes. */
const PING = { pingInterval: 15_000, maxPingOut: 2 };

/**
 * Connects to the first server that answers and signs in. Throws NotConnectedError if another try may help; DisableError
 * if the sign-in was refused.
 */
export async function connectNats(lent: NatsLent, signal: AbortSignal): Promise<NatsSession> {
  return await withRenewedToken(lent, (as) =>
    firstReached(as.settings.connect, (address) => connectTo(as, address, signal), {
      signal,
      what: 'server',
    }),
  );
}

async function connectTo(
  lent: NatsLent,
  address: setting.Address,
  signal: AbortSignal,
): Promise<NatsSession> {
  const { settings } = lent;
  const account = await accountOf(lent, signal);
  const { tls, tlsFirst, connectTimeout } = settings;
  const place = placeOf(address);
  const options: ConnectionOptions = {
    servers: place,
    name: `waybill ${lent.production}/${lent.host}`,
    authenticator: account.authenticator,
    timeout: connectTimeout,
    reconnect: false,
    ...PING,
    ignoreClusterUpdates: true,
    // the types of the library name a few of the options, and it passes on all of them
    tls:
      tls === undefined
        ? null
        : { ...((await clientTls(lent, tls, address.host)) as object), handshakeFirst: tlsFirst },
  };
  endNatsAttempts();
  const opening = connect(options);
  try {
    const connection = await unlessAborted(opening, signal);
    const { server_name: name, version } = connection.info ?? { server_name: '', version: '' };
    return { connection, place, facts: `NATS ${version} (${name}), ${account.who}` };
  } catch (error) {
    if (signal.aborted) opening.then((late) => late.close(), toldElsewhere);
    signal.throwIfAborted();
    throw await failureOf(lent, { address, account, error }, signal);
  }
}

interface Account {
  readonly authenticator: Authenticator | Authenticator[];
  /** Who signs in, for people. */
  readonly who: string;
  /** What to check if it is refused. */
  readonly remedy: string;
}

async function accountOf(
  { settings, credential }: NatsLent,
  signal: AbortSignal,
): Promise<Account> {
  if (settings.credential !== undefined) {
    return await accountBy(await credential(settings.credential), signal);
  }
  const certificate = settings.tls?.certificate;
  return {
    authenticator: [],
    who: certificate === undefined ? 'without a sign-in' : `by the certificate ${certificate}`,
    remedy:
      certificate === undefined
        ? 'It wants a sign-in: name a credential'
        : 'Its name must be one of the users of the server (verify_and_map)',
  };
}

async function accountBy(credential: Credential, signal: AbortSignal): Promise<Account> {
  if (credential.kind === 'basic') {
    const { user, password } = credential;
    return {
      authenticator: usernamePasswordAuthenticator(user, password),
      who: `as ${user}`,
      remedy: 'Check user and password with its owner',
    };
  }
  if (credential.kind !== 'bearer' && credential.kind !== 'oauth2') {
    throw new DisableError(
      `NATS cannot sign in with a credential of kind ${credential.kind}. Use one of kind basic or bearer, or a certificate under tls.`,
    );
  }
  const token = (await credential.token(signal)).trim();
  if (token.includes('BEGIN NATS USER JWT')) return byCreds(token);
  if (/^SU[A-Z2-7]{56}$/.test(token)) {
    return {
      authenticator: nkeyAuthenticator(new TextEncoder().encode(token)),
      who: 'by an nkey',
      remedy: 'Its public key (U…) must be a user of the server',
    };
  }
  return {
    authenticator: tokenAuthenticator(token),
    who: 'by a token',
    remedy: 'Check the token with its owner',
  };
}

function byCreds(text: string): Account {
  const [, claims = ''] = /BEGIN NATS USER JWT-+\s+[\w-]+\.([\w-]+)\./.exec(text) ?? [];
  const { name, exp } = claimsOf(claims);
  const ended = exp !== undefined && exp * 1_000 < Date.now();
  try {
    return {
      authenticator: credsAuthenticator(new TextEncoder().encode(text)),
      who: `by the JWT of ${name ?? 'an unnamed user'}`,
      remedy: ended
        ? `The JWT ended on ${new Date(exp * 1_000).toISOString().slice(0, 10)}: have a new .creds file made`
        : 'The account must be known to the server, and the user not revoked: ask its owner (nsc)',
    };
  } catch {
    // its text could quote the seed
    throw new DisableError(
      'The token of the credential is no whole .creds file: it needs the JWT and the seed. Copy the whole file.',
    );
  }
}

function claimsOf(encoded: string): { readonly name?: string; readonly exp?: number } {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString()) as {
      name?: string;
      exp?: number;
    };
  } catch {
    // SyntaxError: it is only for the text of an error, and the server judges it
    return {};
  }
}

interface Failed {
  readonly address: setting.Address;
  readonly account: Account;
  readonly error: unknown;
}

async function failureOf(
  lent: NatsLent,
  { address, account, error }: Failed,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(address);
  const text = error instanceof Error ? error.message : '';
  // the server waits for two seconds; the client takes it for a refusal
  if (error instanceof errors.AuthorizationError && /timeout/i.test(text)) {
    return new NotConnectedError(
      `Not connected: ${place} did not get user and password in time: this machine or the network is too slow at the moment.`,
    );
  }
  if (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError
  ) {
    return new DisableError(`${place} refused the sign-in (${account.who}). ${account.remedy}.`);
  }
  if (/maximum (?:account )?(?:active )?connections/i.test(text)) {
    return new NotConnectedError(
      `Not connected: ${place} has its limit of connections. Ask its owner to raise it.`,
    );
  }
  return await notReached(lent, { address, account, error }, signal);
}

async function notReached(
  lent: NatsLent,
  { address, error }: Failed,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(address);
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const isCoded = (cause as { code?: unknown } | undefined)?.code !== undefined;
  if (!isCoded) return await whatElse(lent, address, signal);
  const failure = notConnected(cause, place);
  const isAsked = lent.settings.tls !== undefined || !/certificate|TLS/.test(failure.message);
  return isAsked ? failure : await whatElse(lent, address, signal);
}

/** The protocol found at a port that does not speak NATS. */
async function whatElse(
  lent: NatsLent,
  address: setting.Address,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(address);
  const timeout = lent.settings.connectTimeout;
  const first = await firstBytes(lent, { address, timeout }, signal);
  if (first instanceof Error) return first;
  const text = first.toString('latin1');
  const told = (what: string): Error => new NotConnectedError(`Not connected: ${place} ${what}.`);
  if (!text.startsWith('INFO ')) {
    const seen = first.length === 0 ? 'says nothing' : 'does not speak NATS';
    return told(
      `${seen}, and a NATS server begins to talk. Correct the host or the port; a server with handshake_first needs tlsFirst`,
    );
  }
  const { tls } = lent.settings;
  if (tls === undefined && /"tls_required":\s*true/.test(text)) {
    return told('wants TLS. Add a tls block to the settings');
  }
  return tls !== undefined && !/"tls_(?:required|available)":\s*true/.test(text)
    ? told('does not offer TLS. Ask its owner for it, or remove the tls block')
    : told('broke off while we signed in. Look at the log of the server');
}

/** The error of a connection that ended while it was in use. */
export function lostNats(place: string, reason: unknown): NotConnectedError {
  const what =
    reason instanceof errors.UserAuthenticationExpiredError
      ? 'its sign-in has expired: the server ended it. A renewed credential is used from the next one on'
      : 'the server ended it or cannot be reached. It is opened again; look at the log of the server if it lasts';
  return new NotConnectedError(`The connection to ${place} is gone: ${what}.`);
}
