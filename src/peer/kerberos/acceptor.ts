import { createHash, randomInt } from 'node:crypto';
import * as der from '../tls/write-der.ts';
import { isUsable, type KerberosKey, typeName, USAGE } from './encryption.ts';
import { Fields, malformed } from './fields.ts';
import { KerberosProblem } from './kerberos-problem.ts';
import { type KeytabEntry, principalsIn } from './keytab.ts';
import {
  encrypted,
  encryptedOf,
  keyOf,
  MESSAGE,
  opened,
  PROTOCOL,
  type Ticket,
  ticketOf,
} from './messages.ts';
import { negotiationOf } from './negotiation.ts';
import { nameText, type Principal, principalText } from './principal.ts';

export interface AcceptorOptions {
  /** The keys of the service: those whose tickets are taken. */
  readonly keys: readonly KeytabEntry[];
  /** The realms whose people are taken. */
  readonly realms: readonly string[];
  /** Milliseconds by which clocks may differ. */
  readonly skew: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Who somebody is, as a ticket proved. */
export interface Accepted {
  readonly client: Principal;
  /** What this proof is known by, and until when (milliseconds since 1970) it could be sent again. */
  readonly proof: { readonly id: string; readonly until: number };
  /** What goes back after `Negotiate`, for a client that wants to know that it is us. */
  readonly answer: Buffer | undefined;
}

interface OpenTicket {
  readonly key: KerberosKey;
  readonly client: Principal;
  readonly ends: number;
}

const MUTUAL_OPTION = 0x20;
const MUTUAL_FLAG = 2;
/** Of ticket flags, which are counted from the left: 7, and 12. */
const INVALID = 0x01;
const PATH_CHECKED = 0x08;

/**
 * Judges the token after `Authorization: Negotiate`. Throws a KerberosProblem with the check that failed. The caller
 * has to see to it that a proof is taken once.
 */
export function accept(token: Buffer, options: AcceptorOptions): Accepted {
  const { request, answer } = negotiationOf(token);
  const fields = Fields.application(request, MESSAGE.apRequest, 'the request of the browser');
  if (fields.number(0) !== PROTOCOL) throw malformed('the request of the browser');
  const ticket = ticketOf(fields.raw(3));
  const open = openTicket(ticket, options);
  const bytes = opened(open.key, USAGE.authenticator, encryptedOf(fields.fields(4)));
  if (bytes === undefined) {
    throw new KerberosProblem(
      'the ticket was sent by somebody who does not have its key',
      'It may have been intercepted: look at who sent it',
    );
  }
  const authenticator = Fields.application(bytes, 2, 'the proof of the browser');
  const client = { parts: authenticator.name(2), realm: authenticator.text(1) };
  if (principalText(client) !== principalText(open.client)) {
    throw new KerberosProblem(
      `the ticket is that of ${principalText(open.client)}, and was sent by ${principalText(client)}`,
      'It may have been intercepted: look at who sent it',
    );
  }
  const made = authenticator.time(5);
  checkClock(made, options);
  const wantsProof =
    ((fields.bits(2)[0] ?? 0) & MUTUAL_OPTION) !== 0 ||
    (flagsOf(authenticator) & MUTUAL_FLAG) !== 0;
  return {
    client,
    proof: {
      id: createHash('sha256')
        .update(encryptedOf(fields.fields(4)).cipher)
        .digest('hex'),
      until: made + 2 * options.skew,
    },
    answer: answer(wantsProof ? replyTo(authenticator, open.key) : undefined),
  };
}

/** The flags that a client of GSS-API puts where a checksum would be (RFC 4121 §4.1.1). */
function flagsOf(authenticator: Fields): number {
  if (!authenticator.has(3)) return 0;
  const checksum = authenticator.fields(3);
  if (checksum.number(0) !== 0x8003) return 0;
  const value = checksum.octets(1);
  return value.length >= 24 ? value.readUInt32LE(20) : 0;
}

function openTicket(ticket: Ticket, options: AcceptorOptions): OpenTicket {
  const { realms, skew } = options;
  const fields = Fields.application(decrypted(ticket, options), 3, 'the ticket');
  const client = { parts: fields.name(3), realm: fields.text(2) };
  const flags = fields.bits(0);
  const starts = fields.has(6) ? fields.time(6) : fields.time(5);
  const ends = fields.time(7);
  if (((flags[0] ?? 0) & INVALID) !== 0 || starts > options.now() + skew) {
    throw new KerberosProblem(
      `the ticket is only valid from ${moment(starts)}, and here it is ${moment(options.now())}`,
      'Compare the clocks of this machine and of the domain controller',
    );
  }
  if (ends < options.now() - skew) {
    throw new KerberosProblem(
      `the ticket ended at ${moment(ends)}, and here it is ${moment(options.now())}`,
      'Have the person sign in to the domain again (klist purge), and compare the clocks',
    );
  }
  if (!realms.includes(client.realm)) {
    throw new KerberosProblem(
      `${principalText(client)} is of a realm whose people are not taken here`,
      'Add it under realms, in capitals, if everybody whom it names may be believed',
    );
  }
  const path = fields.fields(4);
  if (path.octets(1).length > 0 && ((flags[1] ?? 0) & PATH_CHECKED) === 0) {
    throw new KerberosProblem(
      `the ticket of ${principalText(client)} came through other realms, and no one of them checked that path`,
      'Have the realms trust each other directly, or the controller check paths',
    );
  }
  return { key: keyOf(fields.fields(1)), client, ends };
}

/** Any of our keys may open a ticket: at Active Directory the names of one account share its key. */
function decrypted({ realm, service, part }: Ticket, { keys }: AcceptorOptions): Buffer {
  const { type, version } = part;
  const wanted = principalText({ parts: service, realm });
  if (!isUsable(type)) {
    throw new KerberosProblem(
      `the ticket for ${wanted} is encrypted with ${typeName(type)}, which is no longer safe`,
      'Allow AES at the account of the keytab (msDS-SupportedEncryptionTypes 24), set its password anew and export the keytab again',
    );
  }
  const fitting = keys.filter((key) => key.type === type);
  for (const key of fitting) {
    const text = opened(key, USAGE.ticket, part);
    if (text !== undefined) return text;
  }
  const named = keys.filter(({ principal }) => principalText(principal) === wanted);
  throw notOpened({ wanted, named, keys, type, version, service });
}

interface NotOpened {
  readonly wanted: string;
  readonly service: readonly string[];
  /** The keys with the name of the ticket. */
  readonly named: readonly KeytabEntry[];
  readonly keys: readonly KeytabEntry[];
  readonly type: number;
  readonly version: number | undefined;
}

function notOpened({ wanted, named, keys, type, version, service }: NotOpened): KerberosProblem {
  if (named.length === 0) {
    return new KerberosProblem(
      `the ticket is for ${wanted}, and the keytab has ${principalsIn(keys)}`,
      `Open the console by a name of the keytab, or register ${nameText(service)} at the same account and export the keytab again`,
    );
  }
  if (!named.some((key) => key.type === type)) {
    const types = [...new Set(named.map((key) => typeName(key.type)))].join(', ');
    return new KerberosProblem(
      `the ticket for ${wanted} is encrypted with ${typeName(type)}, and the keytab has ${types}`,
      'Export the keytab with all types of encryption (ktpass -crypto All)',
    );
  }
  const versions = [...new Set(named.map((key) => key.version))];
  if (version !== undefined && !versions.includes(version)) {
    return new KerberosProblem(
      `the ticket for ${wanted} needs key version ${version}, and the keytab has ${versions.join(', ')}`,
      version > Math.max(...versions)
        ? 'The password of the account was set anew: export the keytab again'
        : 'The ticket is older than the keytab: have the person sign in again (klist purge)',
    );
  }
  return new KerberosProblem(
    `the key of the keytab does not open the ticket for ${wanted}`,
    'The name may be registered at another account (setspn -Q), or the password was set anew: export the keytab again',
  );
}

function checkClock(made: number, { now, skew }: AcceptorOptions): void {
  const off = Math.round((made - now()) / 1000);
  if (Math.abs(off) * 1000 <= skew) return;
  throw new KerberosProblem(
    `the clock of the person’s machine is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} the clock here (allowed are ${skew / 1000} s)`,
    'Set both by the same time server, or allow more under clockSkew',
  );
}

const moment = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');

/** AP-REP: the time of the request, encrypted with the key of the ticket, which only we could read. */
function replyTo(authenticator: Fields, key: KerberosKey): Buffer {
  const part = der.application(
    27,
    der.sequence(
      der.tagged(0, der.generalTime(new Date(authenticator.time(5)))),
      der.tagged(1, der.number(authenticator.number(4))),
      der.tagged(3, der.number(randomInt(2 ** 30))),
    ),
  );
  return der.application(
    MESSAGE.apReply,
    der.sequence(
      der.tagged(0, der.number(PROTOCOL)),
      der.tagged(1, der.number(MESSAGE.apReply)),
      der.tagged(2, encrypted(key, USAGE.apReply, part)),
    ),
  );
}
