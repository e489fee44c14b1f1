import { LRUCache } from 'lru-cache';
import { textOf, type XmlElement } from 'waybill/document';
import { isSameSecret } from 'waybill/peer';
import { UTILITY } from '../envelope.ts';
import { attributeOf, childOf, textAt, trimmed } from '../xml.ts';
import { checkCreated } from './check-time.ts';
import { SecurityProblem } from './security-problem.ts';
import { PASSWORD_DIGEST, passwordDigest, SECURITY } from './username-token.ts';

interface Account {
  readonly user: string;
  readonly password: string;
}

/** More tokens than come within the time for which they are remembered. */
const NONCES = 100_000;

/** The nonces that a service has seen, for as long as a token with them would be taken. */
export class SeenNonces {
  #seen: LRUCache<string, true> | undefined;
  readonly #time: number;

  /** @param tolerance milliseconds by which a token may be old, and again from the future */
  constructor(tolerance: number) {
    this.#time = tolerance * 2;
  }

  /** Whether it comes for the first time; it is remembered. */
  isNew(nonce: string): boolean {
    this.#seen ??= new LRUCache({ max: NONCES, ttl: this.#time });
    if (this.#seen.has(nonce)) return false;
    this.#seen.set(nonce, true);
    return true;
  }
}

/** The user of a UsernameToken. Throws a SecurityProblem. */
export function checkUser(
  security: XmlElement,
  accounts: readonly Account[],
  { tolerance, nonces }: { readonly tolerance: number; readonly nonces: SeenNonces },
): string {
  const token = childOf(security, SECURITY, 'UsernameToken');
  if (token === undefined) {
    throw new SecurityProblem('InvalidSecurity', 'the UsernameToken is missing');
  }
  const given = childOf(token, SECURITY, 'Password');
  if (given === undefined)
    throw new SecurityProblem('FailedAuthentication', 'the password is missing');
  const created = checkCreated(token, tolerance);
  const nonce = textAt(token, SECURITY, 'Nonce');
  const isDigest = attributeOf(given, 'Type') === PASSWORD_DIGEST;
  if (isDigest && (created === undefined || nonce === '')) {
    throw new SecurityProblem('InvalidSecurityToken', 'a digest needs Nonce and Created');
  }
  const written = textAt(token, UTILITY, 'Created');
  const proofOf = ({ password }: Account): string =>
    isDigest ? passwordDigest(Buffer.from(nonce, 'base64'), written, password) : password;
  const user = textAt(token, SECURITY, 'Username');
  const shown = isDigest ? trimmed(given) : textOf(given);
  // Every account is compared, so that the time reveals nothing about which users exist.
  const fitting = accounts.filter((one) =>
    isSameSecret(`${one.user}\0${proofOf(one)}`, `${user}\0${shown}`),
  );
  if (fitting.length === 0) {
    throw new SecurityProblem('FailedAuthentication', 'user or password is wrong');
  }
  // only after the password: a stranger cannot use up a nonce
  if (nonce !== '' && !nonces.isNew(`${user}\0${nonce}\0${written}`)) {
    throw new SecurityProblem(
      'FailedAuthentication',
      'this UsernameToken was used before (its nonce)',
    );
  }
  return user;
}
