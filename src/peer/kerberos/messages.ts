import * as der from '../tls/write-der.ts';
import { decrypt, encrypt, type KerberosKey } from './encryption.ts';
import { Fields, malformed } from './fields.ts';

/** What the messages of RFC 4120 have in common. */

export const PROTOCOL = 5;

/** The numbers of messages, which are also their application tags. */
export const MESSAGE = {
  asRequest: 10,
  asReply: 11,
  tgsRequest: 12,
  tgsReply: 13,
  apRequest: 14,
  apReply: 15,
  error: 30,
} as const;

/** The numbers of names: a person, a service on a host, the service that gives tickets. */
export const NAME = { principal: 1, service: 2, host: 3 } as const;

export interface Encrypted {
  readonly type: number;
  readonly version: number | undefined;
  readonly cipher: Buffer;
}

export function encryptedOf(fields: Fields): Encrypted {
  return {
    type: fields.number(0),
    version: fields.has(1) ? fields.number(1) >>> 0 : undefined,
    cipher: fields.octets(2),
  };
}

/** EncryptedData of a text. */
export const encrypted = (key: KerberosKey, usage: number, text: Buffer): Buffer =>
  der.sequence(
    der.tagged(0, der.number(key.type)),
    der.tagged(2, der.octets(encrypt(key, usage, text))),
  );

/** The text; undefined if that is not its key. */
export const opened = (
  key: KerberosKey,
  usage: number,
  { type, cipher }: Encrypted,
): Buffer | undefined => (key.type === type ? decrypt(key, usage, cipher) : undefined);

export function keyOf(fields: Fields): KerberosKey {
  return { type: fields.number(0), value: Buffer.from(fields.octets(1)) };
}

export const nameOf = (type: number, parts: readonly string[]): Buffer =>
  der.sequence(
    der.tagged(0, der.number(type)),
    der.tagged(1, der.sequence(...parts.map(der.general))),
  );

/** A ticket as far as it is readable by anybody; `bytes` is all of it. */
export interface Ticket {
  readonly bytes: Buffer;
  readonly realm: string;
  readonly service: readonly string[];
  readonly part: Encrypted;
}

export function ticketOf(bytes: Buffer): Ticket {
  const fields = Fields.application(bytes, 1, 'the ticket');
  if (fields.number(0) !== PROTOCOL) throw malformed('the ticket');
  const part = encryptedOf(fields.fields(3));
  return { bytes, realm: fields.text(1), service: fields.name(2), part };
}

/** The time of a message: whole seconds, and microseconds beside them. */
export interface Stamp {
  readonly at: Date;
  readonly micro: number;
}

let last = 0;

/** Never the same twice: replays are known by it. */
export function stamp(): Stamp {
  const micro = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  last = Math.max(micro, last + 1);
  return { at: new Date(Math.floor(last / 1_000_000) * 1000), micro: last % 1_000_000 };
}
