import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DisableError, type Lent, type setting } from 'waybill/adapter';
import { SecurityProblem, textOf, type XmlElement } from 'waybill/document';
import { isSameSecret, kept } from 'waybill/peer/basics';
import { ADDRESSING } from '../addressing.ts';
import { type Envelope, UTILITY } from '../envelope.ts';
import type { SoapInValues } from '../soap-in-settings.ts';
import { SOAP } from '../soap-version.ts';
import { attributeOf, childOf, textAt, trimmed } from '../xml.ts';
import { type CheckedSignature, checkSignature, readTrust } from './check-signature.ts';
import { checkCreated, checkTimestamp } from './check-time.ts';
import { PASSWORD_DIGEST, passwordDigest, SECURITY } from './username-token.ts';

type GuardValues = NonNullable<SoapInValues['security']>;

/** The sender of a message, by its envelope. */
export interface Proven {
  /** The user, or the subject of the certificate; undefined where neither was asked for. */
  readonly name: string | undefined;
  /** The same for the same message sent again. */
  readonly signature: string | undefined;
}

type Lending = Pick<Lent<setting.Settings>, 'credential'>;

/** Checks envelopes against the `security` of a service. */
export class EnvelopeGuard {
  readonly #values: GuardValues;
  readonly #trust: readonly X509Certificate[];
  readonly #accounts: () => Promise<readonly Account[]>;
  readonly #nonces: SeenNonces;

  private constructor(lent: Lending, values: GuardValues, trust: readonly X509Certificate[]) {
    this.#accounts = accountsOf(lent, values);
    this.#values = values;
    this.#trust = trust;
    this.#nonces = new SeenNonces(values.tolerance);
  }

  /** Throws a DisableError for settings that cannot be used. */
  static async open(lent: Lending, values: GuardValues): Promise<EnvelopeGuard> {
    const trust = values.trust === undefined ? [] : await readTrust(values.trust);
    const guard = new EnvelopeGuard(lent, values, trust);
    await guard.#accounts();
    return guard;
  }

  /** Throws a SecurityProblem for an envelope that lacks a required proof. */
  async check(envelope: Envelope): Promise<Proven> {
    const { users, trust, timestamp: isRequired, tolerance } = this.#values;
    const security = securityHeader(envelope);
    if (security === undefined) {
      throw new SecurityProblem('InvalidSecurity', 'the Security header is missing');
    }
    const timestamp = childOf(security, UTILITY, 'Timestamp');
    if (timestamp !== undefined) checkTimestamp(timestamp, tolerance);
    else if (isRequired) throw new SecurityProblem('InvalidSecurity', 'the Timestamp is missing');
    const signature =
      trust === undefined ? undefined : checkSignature(envelope, security, this.#trust);
    if (signature !== undefined) this.#checkCover(signature, envelope, timestamp);
    const user =
      users.length === 0
        ? undefined
        : checkUser(security, await this.#accounts(), { tolerance, nonces: this.#nonces });
    const signer = signature?.signer.subject.replaceAll(/\s*\n\s*/g, ', ');
    return { name: user ?? signer, signature: signature?.value };
  }

  #checkCover(
    signature: CheckedSignature,
    { body, headers }: Envelope,
    timestamp: XmlElement | undefined,
  ): void {
    const parts = {
      body: [body],
      timestamp: [timestamp],
      addressing: headers.filter(({ uri }) => uri === ADDRESSING),
    };
    for (const part of this.#values.signed) {
      if (parts[part].every((one) => one !== undefined && signature.covers(one))) continue;
      throw new SecurityProblem('FailedCheck', `the ${part} is not signed`);
    }
  }
}

interface Account {
  readonly user: string;
  readonly password: string;
}

/** The accounts that may be in a token; a changed password takes effect within seconds. */
const accountsOf = (
  { credential }: Lending,
  { users }: GuardValues,
): (() => Promise<readonly Account[]>) =>
  kept(() =>
    Promise.all(
      users.map(async (name) => {
        const found = await credential(name);
        if (found.kind === 'basic') return found;
        throw new DisableError(
          `security.users: the credential ${name} is of kind ${found.kind}. Name one of kind basic.`,
        );
      }),
    ),
  );

/** The Security header for us. Throws if there are two. */
export function securityHeader({ headers, version }: Envelope): XmlElement | undefined {
  const { namespace, role, ownRoles } = SOAP[version];
  const own = headers.filter(
    (one) =>
      one.uri === SECURITY &&
      one.local === 'Security' &&
      ownRoles.includes(attributeOf(one, role, namespace)?.trim() ?? ''),
  );
  if (own.length > 1)
    throw new SecurityProblem('InvalidSecurity', 'there are two Security headers');
  return own[0];
}

/** More tokens than arrive while they are remembered. */
const NONCES = 100_000;

/** The nonces that a service has seen, for as long as a token with them would be accepted. */
class SeenNonces {
  #seen: LRUCache<string, true> | undefined;
  readonly #time: number;

  /** @param tolerance milliseconds by which a token may be old, and again from the future */
  constructor(tolerance: number) {
    this.#time = tolerance * 2;
  }

  /** Whether it is new; it is remembered. */
  isNew(nonce: string): boolean {
    this.#seen ??= new LRUCache({ max: NONCES, ttl: this.#time });
    if (this.#seen.has(nonce)) return false;
    this.#seen.set(nonce, true);
    return true;
  }
}

/** The user of a UsernameToken. Throws a SecurityProblem. */
function checkUser(
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
