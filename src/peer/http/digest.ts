import { createHash, randomBytes } from 'node:crypto';
import { type Challenge, challengesOf } from './challenge.ts';

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
 * Digest sign-in (RFC 7616) with one server: keeps its last challenge, so that only the first request
 * is asked twice, and counts the uses of its nonce.
 */
export class Digest {
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
      // by name: a credential's secrets are lost where it is spread
      user: this.#account.user,
      password: this.#account.password,
      method,
      uri: `${url.pathname}${url.search}`,
      uses: this.#uses,
      clientNonce: randomBytes(16).toString('hex'),
    });
  }

  /**
   * Takes the challenge out of a 401. False if asking again makes no sense: there is none that is
   * understood, or the request was `signed` and its nonce was not just too old.
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
export function digestHeader(
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
