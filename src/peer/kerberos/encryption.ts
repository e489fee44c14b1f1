import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  pbkdf2 as derived,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';

const pbkdf2 = promisify(derived);

/** A key with its encryption type (RFC 3961). */
export interface KerberosKey {
  readonly type: number;
  readonly value: Buffer;
}

/** What a key is used for (RFC 4120 §7.5.1): the same key encrypts differently for each. */
export const USAGE = {
  timestamp: 1,
  ticket: 2,
  asReply: 3,
  tgsChecksum: 6,
  tgsAuthenticator: 7,
  tgsReply: 8,
  authenticator: 11,
  apReply: 12,
} as const;

interface Cipher {
  readonly name: string;
  readonly cipher: 'aes-128' | 'aes-256';
  readonly hash: 'sha1' | 'sha256' | 'sha384';
  /** Bytes of the key, of the key of a checksum, and of a checksum. */
  readonly key: number;
  readonly check: number;
  readonly mac: number;
  /** The number of its checksum. */
  readonly checksum: number;
  readonly rounds: number;
}

/** AES of RFC 3962 (SHA-1) and RFC 8009 (SHA-2). DES, triple DES and RC4 are no longer safe and not here. */
const CIPHERS: Readonly<Record<number, Cipher>> = {
  17: {
    name: 'aes128-cts-hmac-sha1-96',
    cipher: 'aes-128',
    hash: 'sha1',
    key: 16,
    check: 16,
    mac: 12,
    checksum: 15,
    rounds: 4096,
  },
  18: {
    name: 'aes256-cts-hmac-sha1-96',
    cipher: 'aes-256',
    hash: 'sha1',
    key: 32,
    check: 32,
    mac: 12,
    checksum: 16,
    rounds: 4096,
  },
  19: {
    name: 'aes128-cts-hmac-sha256-128',
    cipher: 'aes-128',
    hash: 'sha256',
    key: 16,
    check: 16,
    mac: 16,
    checksum: 19,
    rounds: 32_768,
  },
  20: {
    name: 'aes256-cts-hmac-sha384-192',
    cipher: 'aes-256',
    hash: 'sha384',
    key: 32,
    check: 24,
    mac: 24,
    checksum: 20,
    rounds: 32_768,
  },
};

const OLD: Readonly<Record<number, string>> = {
  1: 'des-cbc-crc',
  3: 'des-cbc-md5',
  16: 'des3-cbc-sha1',
  23: 'rc4-hmac',
};

const BLOCK = 16;
const ZEROS = Buffer.alloc(BLOCK);
/** With more, whoever answers could keep us deriving a password's key for minutes. */
const MOST_ROUNDS = 1_000_000;

/** The types that can be used, the strongest first. */
export const ENCRYPTION_TYPES: readonly number[] = [20, 18, 19, 17];

export const isUsable = (type: number): boolean => CIPHERS[type] !== undefined;

/** `aes256-cts-hmac-sha1-96`, or the number of one that has no name here. */
export const typeName = (type: number): string =>
  CIPHERS[type]?.name ?? OLD[type] ?? `encryption type ${type}`;

function cipherOf({ type, value }: KerberosKey): Cipher {
  const cipher = CIPHERS[type];
  if (cipher === undefined || value.length !== cipher.key) {
    throw new RangeError(`a key of ${value.length} bytes does not fit ${typeName(type)}`);
  }
  return cipher;
}

/** Encrypts for that usage. */
export function encrypt(key: KerberosKey, usage: number, plain: Buffer): Buffer {
  const cipher = cipherOf(key);
  const text = Buffer.concat([randomBytes(BLOCK), plain]);
  const encrypted = encryptBlocks(cipher, derive(key, cipher, usage, 0xaa), text);
  const sealing = derive(key, cipher, usage, 0x55);
  return Buffer.concat([encrypted, macOf(cipher, sealing, { text, encrypted })]);
}

/** The plain text; undefined where the key is not the one, or something was changed. */
export function decrypt(key: KerberosKey, usage: number, bytes: Buffer): Buffer | undefined {
  const cipher = cipherOf(key);
  const end = bytes.length - cipher.mac;
  if (end < BLOCK) return undefined;
  const encrypted = bytes.subarray(0, end);
  const text = decryptBlocks(cipher, derive(key, cipher, usage, 0xaa), encrypted);
  const mac = macOf(cipher, derive(key, cipher, usage, 0x55), { text, encrypted });
  return timingSafeEqual(mac, bytes.subarray(end)) ? text.subarray(BLOCK) : undefined;
}

/** A checksum with its number. */
export function checksum(
  key: KerberosKey,
  usage: number,
  text: Buffer,
): { readonly type: number; readonly value: Buffer } {
  const cipher = cipherOf(key);
  const value = createHmac(cipher.hash, derive(key, cipher, usage, 0x99))
    .update(text)
    .digest();
  return { type: cipher.checksum, value: value.subarray(0, cipher.mac) };
}

/** A fresh key of that type. */
export const freshKey = (type: number): KerberosKey => ({
  type,
  value: randomBytes(CIPHERS[type]?.key ?? 0),
});

/** Whose password it is, and how it becomes a key. */
export interface Derivation {
  readonly type: number;
  readonly salt: Buffer;
  /** Four bytes with the number of rounds; the type's own if left out. */
  readonly parameters: Buffer | undefined;
}

/** The key of a password. Throws a RangeError for a type that is not known, and for too many rounds. */
export async function passwordKey(
  password: string,
  { type, salt, parameters }: Derivation,
): Promise<KerberosKey> {
  const cipher = CIPHERS[type];
  if (cipher === undefined) throw new RangeError(`${typeName(type)} is not supported`);
  const rounds = parameters?.length === 4 ? parameters.readUInt32BE(0) : cipher.rounds;
  if (rounds < 1 || rounds > MOST_ROUNDS) throw new RangeError(`${rounds} rounds are asked for`);
  const own =
    cipher.hash === 'sha1' ? salt : Buffer.concat([Buffer.from(`${cipher.name}\0`), salt]);
  const value = await pbkdf2(password, own, rounds, cipher.key, cipher.hash);
  const constant = Buffer.from('kerberos');
  return {
    type,
    value:
      cipher.hash === 'sha1'
        ? folded(cipher, value, constant)
        : expanded(cipher.hash, value, constant, cipher.key),
  };
}

/** SHA-1 authenticates the text, SHA-2 what it was encrypted to. */
function macOf(
  cipher: Cipher,
  key: Buffer,
  { text, encrypted }: { readonly text: Buffer; readonly encrypted: Buffer },
): Buffer {
  const mac = createHmac(cipher.hash, key);
  if (cipher.hash === 'sha1') mac.update(text);
  else mac.update(ZEROS).update(encrypted);
  return mac.digest().subarray(0, cipher.mac);
}

/** The key of a usage: `0xaa` encrypts, `0x55` authenticates, `0x99` makes checksums. */
function derive({ value }: KerberosKey, cipher: Cipher, usage: number, kind: number): Buffer {
  const constant = Buffer.alloc(5);
  constant.writeUInt32BE(usage, 0);
  constant[4] = kind;
  if (cipher.hash === 'sha1') return folded(cipher, value, constant);
  return expanded(cipher.hash, value, constant, kind === 0xaa ? cipher.key : cipher.check);
}

/** DK of RFC 3961 §5.1. */
function folded({ cipher, key }: Cipher, value: Buffer, constant: Buffer): Buffer {
  let block = nFold(constant, BLOCK);
  const blocks: Buffer[] = [];
  while (blocks.length * BLOCK < key) {
    const aes = createCipheriv(`${cipher}-ecb`, value, null).setAutoPadding(false);
    block = Buffer.concat([aes.update(block), aes.final()]);
    blocks.push(block);
  }
  return Buffer.concat(blocks, key);
}

/** KDF-HMAC-SHA2 of RFC 8009 §3. */
function expanded(hash: string, value: Buffer, label: Buffer, bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes * 8);
  const counted = [Buffer.of(0, 0, 0, 1), label, Buffer.of(0), length];
  return createHmac(hash, value).update(Buffer.concat(counted)).digest().subarray(0, bytes);
}

/** n-fold of RFC 3961 §5.1: copies, each turned by 13 bits, added in ones' complement. */
export function nFold(input: Buffer, size: number): Buffer {
  const bits = input.length * 8;
  const sum = Array.from({ length: size }, () => 0);
  const copies = leastCommonMultiple(input.length, size) / input.length;
  for (let copy = 0, at = 0; copy < copies; copy++) {
    for (let byte = 0; byte < input.length; byte++, at++) {
      const from = (byte * 8 - copy * 13) % bits;
      sum[at % size] = (sum[at % size] ?? 0) + byteAt(input, (from + bits) % bits);
    }
  }
  for (let carry = true; carry; ) {
    carry = false;
    for (let at = size - 1; at >= 0; at--) {
      const value = sum[at] ?? 0;
      if (value <= 0xff) continue;
      const next = (at + size - 1) % size;
      sum[at] = value & 0xff;
      sum[next] = (sum[next] ?? 0) + (value >> 8);
      carry = true;
    }
  }
  return Buffer.from(sum);
}

/** Eight bits from that bit on, around the end. */
function byteAt(input: Buffer, bit: number): number {
  const first = input[bit >> 3] ?? 0;
  const second = input[((bit >> 3) + 1) % input.length] ?? 0;
  return (((first << 8) | second) >> (8 - (bit & 7))) & 0xff;
}

function leastCommonMultiple(one: number, other: number): number {
  let [a, b] = [one, other];
  while (b !== 0) [a, b] = [b, a % b];
  return (one * other) / a;
}

/** CBC with ciphertext stealing: the last two blocks change places, and the last is as long as the text. */
function encryptBlocks({ cipher }: Cipher, key: Buffer, text: Buffer): Buffer {
  const padded = Buffer.concat([text, Buffer.alloc((BLOCK - (text.length % BLOCK)) % BLOCK)]);
  const aes = createCipheriv(`${cipher}-cbc`, key, ZEROS).setAutoPadding(false);
  const blocks = Buffer.concat([aes.update(padded), aes.final()]);
  if (blocks.length === BLOCK) return blocks;
  const before = blocks.subarray(0, -2 * BLOCK);
  const stolen = blocks.subarray(-2 * BLOCK, -BLOCK);
  return Buffer.concat([before, blocks.subarray(-BLOCK), stolen], text.length);
}

function decryptBlocks({ cipher }: Cipher, key: Buffer, encrypted: Buffer): Buffer {
  const whole = Math.ceil(encrypted.length / BLOCK) * BLOCK;
  let blocks = encrypted;
  if (whole > BLOCK) {
    const last = encrypted.subarray(whole - 2 * BLOCK, whole - BLOCK);
    const stolen = encrypted.subarray(whole - BLOCK);
    const ecb = createDecipheriv(`${cipher}-ecb`, key, null).setAutoPadding(false);
    const rest = Buffer.concat([ecb.update(last), ecb.final()]).subarray(stolen.length);
    blocks = Buffer.concat([encrypted.subarray(0, whole - 2 * BLOCK), stolen, rest, last]);
  }
  const aes = createDecipheriv(`${cipher}-cbc`, key, ZEROS).setAutoPadding(false);
  return Buffer.concat([aes.update(blocks), aes.final()], encrypted.length);
}
