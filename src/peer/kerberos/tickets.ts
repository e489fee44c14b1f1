import { randomInt } from 'node:crypto';
import type { Address } from '../../adapter/setting.ts';
import { elementsOf } from '../tls/read-der.ts';
import * as der from '../tls/write-der.ts';
import {
  checksum,
  type Derivation,
  ENCRYPTION_TYPES,
  isUsable,
  type KerberosKey,
  passwordKey,
  typeName,
  USAGE,
} from './encryption.ts';
import { Fields, malformed } from './fields.ts';
import { KerberosProblem } from './kerberos-problem.ts';
import { ask, refusedBy } from './key-center.ts';
import { type KeytabEntry, principalsIn } from './keytab.ts';
import {
  encrypted,
  encryptedOf,
  keyOf,
  MESSAGE,
  NAME,
  nameOf,
  opened,
  PROTOCOL,
  stamp,
  ticketOf,
} from './messages.ts';
import { offered } from './negotiation.ts';
import { nameText, type Principal, principalText } from './principal.ts';

/** Who signs in, and with what. */
export interface KerberosAccount {
  readonly principal: Principal;
  readonly secret: { readonly password: string } | { readonly keys: readonly KeytabEntry[] };
  /** Where the centers of the realm answer; the DNS is asked if there are none. */
  readonly centers: readonly Address[];
}

/** A ticket that we may show, with the key that proves that it is ours. */
export interface HeldTicket {
  readonly bytes: Buffer;
  readonly key: KerberosKey;
  /** The realm whose centers take it, if it is one for tickets. */
  readonly realm: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

interface Wanted {
  readonly realm: string;
  readonly service: readonly string[];
  /** Only while signing in: whose ticket it is to be. */
  readonly client?: readonly string[];
}

const LIFETIME = 10 * 3_600_000;
const PREAUTHENTICATION = 25;
const PA = { tgsRequest: 1, timestamp: 2, types: 19 } as const;
/** Ask that a center names another realm where the service is. */
const CANONICALIZE = Buffer.of(0, 1, 0, 0);
const MOST_REALMS = 5;
const INTEGRITY = 0x20;

/** Signs in to the realm (AS exchange). Throws a KerberosProblem that says why not. */
export async function signIn(account: KerberosAccount): Promise<HeldTicket> {
  const { principal, centers } = account;
  const { realm, parts } = principal;
  const user = principalText(principal);
  const wanted = { realm, service: ['krbtgt', realm], client: parts };
  const first = requestFor(wanted, Buffer.alloc(4));
  const asked = await ask(realm, centers, requested(MESSAGE.asRequest, [], first.body));
  if ('reply' in asked) {
    const early = Fields.application(asked.reply, MESSAGE.asReply, REPLY);
    const wishes = early.has(2) ? wishesIn(early.raw(2)) : [];
    return received(asked.reply, first.nonce, await keyFor(account, wishes));
  }
  const { refusal } = asked;
  if (refusal.code !== PREAUTHENTICATION) throw refusedBy(refusal, { user, service: undefined });
  const wishes = refusal.data === undefined ? [] : wishesIn(refusal.data);
  const key = await keyFor(account, wishes);
  const second = requestFor(wanted, Buffer.alloc(4));
  const { at, micro } = stamp();
  const time = der.sequence(der.tagged(0, der.generalTime(at)), der.tagged(1, der.number(micro)));
  const proof = paData(PA.timestamp, encrypted(key, USAGE.timestamp, time));
  const proven = await ask(realm, centers, requested(MESSAGE.asRequest, [proof], second.body));
  if ('refusal' in proven) throw refusedBy(proven.refusal, { user, service: undefined });
  return received(proven.reply, second.nonce, key);
}

const received = (reply: Buffer, nonce: number, key: KerberosKey): HeldTicket =>
  replyPart(reply, MESSAGE.asReply, { key, usage: USAGE.asReply, nonce }).ticket;

/** Gets the ticket of a service (TGS exchange), in another realm if the center says so. Throws a KerberosProblem. */
export async function serviceTicket(
  { principal, centers }: KerberosAccount,
  granting: HeldTicket,
  service: readonly string[],
): Promise<HeldTicket> {
  let current = granting;
  for (let realms = 0; realms < MOST_REALMS; realms++) {
    const { realm } = current;
    const { body, nonce } = requestFor({ realm, service }, CANONICALIZE);
    const { type, value } = checksum(current.key, USAGE.tgsChecksum, body);
    const check = { type, value };
    const shown = shownTicket(principal, current, { check, usage: USAGE.tgsAuthenticator });
    const request = requested(MESSAGE.tgsRequest, [paData(PA.tgsRequest, shown)], body);
    const asked = await ask(realm, realm === principal.realm ? centers : [], request);
    if ('refusal' in asked) {
      const user = principalText(principal);
      throw refusedBy(asked.refusal, { user, service: `${nameText(service)}@${realm}` });
    }
    const keys = { key: current.key, usage: USAGE.tgsReply, nonce };
    const { ticket, name } = replyPart(asked.reply, MESSAGE.tgsReply, keys);
    const [first, next] = name;
    if (first !== 'krbtgt' || next === undefined) return ticket;
    current = { ...ticket, realm: next };
  }
  throw new KerberosProblem(
    `${nameText(service)} is not found: ${MOST_REALMS} realms each named another one`,
    'Check the trusts of the domains, or write service with a name of your own realm',
  );
}

/** What goes after `Negotiate`. Made for one request: a server takes each proof once. */
export function negotiateToken(principal: Principal, ticket: HeldTicket): Buffer {
  const value = Buffer.alloc(24);
  value.writeUInt32LE(16, 0);
  value.writeUInt32LE(INTEGRITY, 20);
  const check = { type: 0x8003, value };
  return offered(shownTicket(principal, ticket, { check, usage: USAGE.authenticator }));
}

/** An AP-REQ: the ticket, and a proof that we have its key. */
function shownTicket(
  { realm, parts }: Principal,
  { bytes, key }: HeldTicket,
  { check, usage }: { check: { type: number; value: Buffer }; usage: number },
): Buffer {
  const { at, micro } = stamp();
  const proof = der.application(
    2,
    der.sequence(
      der.tagged(0, der.number(PROTOCOL)),
      der.tagged(1, der.general(realm)),
      der.tagged(2, nameOf(NAME.principal, parts)),
      der.tagged(
        3,
        der.sequence(der.tagged(0, der.number(check.type)), der.tagged(1, der.octets(check.value))),
      ),
      der.tagged(4, der.number(micro)),
      der.tagged(5, der.generalTime(at)),
      der.tagged(7, der.number(randomInt(2 ** 30))),
    ),
  );
  return der.application(
    MESSAGE.apRequest,
    der.sequence(
      der.tagged(0, der.number(PROTOCOL)),
      der.tagged(1, der.number(MESSAGE.apRequest)),
      der.tagged(2, der.bits(Buffer.alloc(4))),
      der.tagged(3, bytes),
      der.tagged(4, encrypted(key, usage, proof)),
    ),
  );
}

/** KDC-REQ-BODY. */
function requestFor(
  { realm, service, client }: Wanted,
  options: Buffer,
): { readonly body: Buffer; readonly nonce: number } {
  const nonce = randomInt(1, 2 ** 31 - 1);
  const body = der.sequence(
    der.tagged(0, der.bits(options)),
    ...(client === undefined ? [] : [der.tagged(1, nameOf(NAME.principal, client))]),
    der.tagged(2, der.general(realm)),
    der.tagged(3, nameOf(client === undefined ? NAME.host : NAME.service, service)),
    der.tagged(5, der.generalTime(new Date(Date.now() + LIFETIME))),
    der.tagged(7, der.number(nonce)),
    der.tagged(8, der.sequence(...ENCRYPTION_TYPES.map(der.number))),
  );
  return { body, nonce };
}

const requested = (message: number, proofs: readonly Buffer[], body: Buffer): Buffer =>
  der.application(
    message,
    der.sequence(
      der.tagged(1, der.number(PROTOCOL)),
      der.tagged(2, der.number(message)),
      ...(proofs.length === 0 ? [] : [der.tagged(3, der.sequence(...proofs))]),
      der.tagged(4, body),
    ),
  );

const paData = (type: number, value: Buffer): Buffer =>
  der.sequence(der.tagged(1, der.number(type)), der.tagged(2, der.octets(value)));

const REPLY = 'the answer of the domain controller';

/** Opens the secret part of a KDC-REP. Throws where it is no answer to our request. */
function replyPart(
  reply: Buffer,
  message: number,
  { key, usage, nonce }: { key: KerberosKey; usage: number; nonce: number },
): { readonly ticket: HeldTicket; readonly name: readonly string[] } {
  const fields = Fields.application(reply, message, REPLY);
  const text = opened(key, usage, encryptedOf(fields.fields(6)));
  if (text === undefined) {
    throw new KerberosProblem(
      'the answer of the domain controller is not encrypted with our key',
      'Check the password, or export the keytab again',
    );
  }
  // some centers write the number of the other reply
  const part = Fields.application(text, text[0] === (0x60 | 25) ? 25 : 26, REPLY);
  if (part.number(2) !== nonce) throw malformed(REPLY);
  const bytes = fields.raw(5);
  const { realm } = ticketOf(bytes);
  const ticket = { bytes, key: keyOf(part.fields(0)), realm, ends: part.time(7) };
  return { ticket, name: part.name(10) };
}

/** The account's key of the type that the center wants. */
async function keyFor(
  { principal, secret }: KerberosAccount,
  wishes: readonly Derivation[],
): Promise<KerberosKey> {
  const salt = Buffer.from(principal.realm + principal.parts.join(''));
  const usual = ENCRYPTION_TYPES.map((type) => ({ type, salt, parameters: undefined }));
  const usable = (wishes.length === 0 ? usual : wishes).filter(({ type }) => isUsable(type));
  const wanted = wishes.map(({ type }) => typeName(type)).join(', ') || 'any';
  const user = principalText(principal);
  if ('password' in secret) {
    const [first] = usable;
    if (first !== undefined) return await passwordKey(secret.password, first);
    throw new KerberosProblem(
      `the domain wants ${wanted} of ${user}, which is no longer safe`,
      'Allow AES at the account (msDS-SupportedEncryptionTypes 24) and set its password anew',
    );
  }
  const own = secret.keys.filter((key) => principalText(key.principal) === user);
  const fitting = usable
    .flatMap(({ type }) => own.filter((key) => key.type === type))
    .toSorted((a, b) => b.version - a.version);
  const [best] = fitting;
  if (best !== undefined) return best;
  throw new KerberosProblem(
    own.length === 0
      ? `the keytab has no key of ${user}, but of ${principalsIn(secret.keys)}`
      : `the domain wants ${wanted} of ${user}, and the keytab has ${own.map(({ type }) => typeName(type)).join(', ')}`,
    'Export the keytab again, with all types of encryption (ktpass -crypto All)',
  );
}

/** ETYPE-INFO2 in what a center wants. */
function wishesIn(data: Buffer): Derivation[] {
  const [list] = elementsOf(data);
  const offers = elementsOf(list?.content ?? Buffer.alloc(0)).map(
    ({ content }) => new Fields(der.sequence(content), REPLY),
  );
  const types = offers.find((one) => one.number(1) === PA.types)?.octets(2);
  if (types === undefined) return [];
  return elementsOf(elementsOf(types)[0]?.content ?? Buffer.alloc(0)).map(({ content }) => {
    const one = new Fields(der.sequence(content), REPLY);
    return {
      type: one.number(0),
      salt: Buffer.from(one.has(1) ? one.text(1) : ''),
      parameters: one.has(2) ? one.octets(2) : undefined,
    };
  });
}
