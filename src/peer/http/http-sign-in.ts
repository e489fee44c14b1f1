import { createHash, randomBytes } from 'node:crypto';
import type { Credential, TicketCredential } from '../../adapter/credential.ts';
import { DisableError } from '../../error/adapter-error.ts';
import { type Challenge, challengesOf } from './challenge.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { signInFailure } from './http-failure.ts';

/** The headers added to one request. Contains secrets. */
export interface Signed {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** What of it a credential of tokens gave. */
  readonly token?: string;
}

/** How requests are authenticated. */
export interface HttpSignIn {
  /** `fresh` after a 401. Rejects with the error that says what the operation should do. */
  sign(method: string, url: URL, options: SignOptions): Promise<Signed>;
  /** Whether another try after this 401 may help: with a fresh token, or with an answer to its challenge. */
  again(challenge: string | undefined, signed: Signed): boolean;
}

export interface SignOptions {
  readonly fresh: boolean;
  /** With what the peer answered 401. */
  readonly refused?: Signed | undefined;
  readonly signal: AbortSignal;
}

type Placing = Pick<HttpClientValues, 'signIn' | 'keyName'>;

const NOBODY: HttpSignIn = {
  sign: async (_, url) => ({ url, headers: {} }),
  again: () => false,
};

/**
 * Throws a DisableError if credential and signIn do not fit together. NTLM does not work through
 * headers and is not handled here.
 */
export function signInWith(credential: Credential | undefined, placing: Placing): HttpSignIn {
  if (credential === undefined || credential.kind === 'ntlm') return NOBODY;
  const { signIn } = placing;
  if (credential.kind === 'basic') {
    if (signIn === 'digest') return digestSignIn(credential);
    if (signIn !== 'auto') throw misfit(signIn, credential.kind, 'bearer or oauth2');
    const proof = Buffer.from(`${credential.user}:${credential.password}`).toString('base64');
    const headers = { authorization: `Basic ${proof}` };
    return { sign: async (_, url) => ({ url, headers }), again: () => false };
  }
  if (credential.kind === 'kerberos') {
    if (signIn !== 'auto') throw misfit(signIn, credential.kind, 'bearer or oauth2');
    return ticketSignIn(credential);
  }
  if (credential.kind !== 'bearer' && credential.kind !== 'oauth2') {
    throw misfit(signIn, credential.kind, 'basic, bearer, oauth2, ntlm or kerberos');
  }
  if (signIn === 'digest') throw misfit(signIn, credential.kind, 'basic');
  return {
    async sign(_, url, { fresh, refused, signal }) {
      const options = { fresh, refused: refused?.token };
      const token = await credential.token(signal, options).catch((error: unknown) => {
        signal.throwIfAborted();
        throw signInFailure(error);
      });
      return { ...placed(token, url, placing), token };
    },
    again: () => true,
  };
}

/** Each request shows the ticket with a proof of its own, so connections need not be kept for it. */
function ticketSignIn(account: TicketCredential): HttpSignIn {
  return {
    async sign(_, url, { fresh, signal }) {
      // an IPv6 address has brackets in a URL
      const host = url.hostname.replaceAll(/[[\]]/g, '');
      const ticket = await account.ticket(host, signal, { fresh }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw signInFailure(error);
      });
      return { url, headers: { authorization: `Negotiate ${ticket}` } };
    },
    again: () => true,
  };
}

function digestSignIn(account: { readonly user: string; readonly password: string }): HttpSignIn {
  const digest = new Digest(account);
  return {
    async sign(method, url) {
      const authorization = digest.header(method, url);
      return { url, headers: authorization === undefined ? {} : { authorization } };
    },
    again: (challenge, { headers }) =>
      digest.challenged(challenge, headers['authorization'] !== undefined),
  };
}

function placed(token: string, url: URL, { signIn, keyName }: Placing): Signed {
  if (signIn === 'header') return { url, headers: { [keyName]: token } };
  if (signIn === 'cookie') return { url, headers: { cookie: `${keyName}=${token}` } };
  if (signIn === 'query') {
    const keyed = new URL(url);
    keyed.searchParams.set(keyName, token);
    return { url: keyed, headers: {} };
  }
  return { url, headers: { authorization: `Bearer ${token}` } };
}

function misfit(signIn: string, kind: string, needed: string): DisableError {
  return new DisableError(
    `signIn ${signIn} does not work with a credential of kind ${kind}. Use one of kind ${needed}, or another signIn.`,
  );
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  'sha-512-256': 'sha512-256',
  'sha-256': 'sha256',
  md5: 'md5',
};

interface Account {
  readonly user: string;
  readonly password: string;
}

/**
 * Digest sign-in (RFC 7616) with one server: keeps its last challenge, so that only the first
 * request is sent twice, and counts the uses of its nonce.
 */
class Digest {
  readonly #account: Account;
  #challenge: Challenge | undefined;
  #uses = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** The header for a request; undefined before the server has challenged. */
  header(method: string, url: URL): string | undefined {
    if (this.#challenge === undefined) return undefined;
    this.#uses += 1;
    return digestHeader(this.#challenge.parameters, {
      // by name: spreading a credential loses its secrets
      user: this.#account.user,
      password: this.#account.password,
      method,
      uri: `${url.pathname}${url.search}`,
      uses: this.#uses,
      clientNonce: randomBytes(16).toString('hex'),
    });
  }

  /**
   * Takes the challenge from a 401. False if another try makes no sense: there is none that we
   * understand, or the request was `signed` and its nonce was not just too old.
   */
  challenged(header: string | undefined, signed: boolean): boolean {
    const fitting = challengesOf(header)
      .filter(({ scheme, parameters }) => scheme === 'digest' && isUnderstood(parameters))
      .toSorted((a, b) => strength(b) - strength(a));
    const [best] = fitting;
    if (best === undefined) return false;
    this.#challenge = best;
    this.#uses = 0;
    return !signed || best.parameters['stale']?.toLowerCase() === 'true';
  }
}

const baseOf = (parameters: Challenge['parameters']): string =>
  (parameters['algorithm'] ?? 'MD5').toLowerCase().replace(/-sess$/, '');

function isUnderstood(parameters: Challenge['parameters']): boolean {
  const { qop } = parameters as { qop?: string };
  const offersAuth = qop === undefined || qop.split(/[\s,]+/).includes('auth');
  return offersAuth && baseOf(parameters) in ALGORITHMS && parameters['nonce'] !== undefined;
}

const strength = ({ parameters }: Challenge): number =>
  Object.keys(ALGORITHMS).length - Object.keys(ALGORITHMS).indexOf(baseOf(parameters));

const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;

interface DigestUse extends Account {
  readonly method: string;
  readonly uri: string;
  readonly uses: number;
  readonly clientNonce: string;
}

/** The value of `Authorization` for one request; exported so that the examples of RFC 7616 can be checked. */
function digestHeader(
  parameters: Challenge['parameters'],
  { user, password, method, uri, uses, clientNonce }: DigestUse,
): string {
  const algorithm = ALGORITHMS[baseOf(parameters)] ?? 'md5';
  const hash = (text: string): string => createHash(algorithm).update(text).digest('hex');
  const {
    realm = '',
    nonce = '',
    opaque,
    qop,
  } = parameters as Readonly<Record<string, string>> & {
    realm?: string;
    nonce?: string;
    opaque?: string;
    qop?: string;
  };
  const isSession = /-sess$/i.test(parameters['algorithm'] ?? '');
  const account = hash(`${user}:${realm}:${password}`);
  const secret = isSession ? hash(`${account}:${nonce}:${clientNonce}`) : account;
  const count = uses.toString(16).padStart(8, '0');
  const asked = hash(`${method}:${uri}`);
  const proof =
    qop === undefined
      ? hash(`${secret}:${nonce}:${asked}`)
      : hash(`${secret}:${nonce}:${count}:${clientNonce}:auth:${asked}`);
  const hashed = parameters['userhash'] === 'true';
  return [
    `Digest username=${quoted(hashed ? hash(`${user}:${realm}`) : user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    ...(parameters['algorithm'] === undefined ? [] : [`algorithm=${parameters['algorithm']}`]),
    `response="${proof}"`,
    ...(qop === undefined ? [] : ['qop=auth', `nc=${count}`, `cnonce="${clientNonce}"`]),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(hashed ? ['userhash=true'] : []),
  ].join(', ');
}
