import { createHash } from 'node:crypto';
import { plainTextOf } from '../plain-text.ts';
import { bytesOf } from './text.ts';

/** A digest with Java's methods. */
export class MessageDigest {
  readonly #name: string;
  #given: Uint8Array[] = [];

  static getInstance(name: unknown): MessageDigest {
    return new MessageDigest(plainTextOf(name));
  }

  constructor(name: string) {
    this.#name = name.toLowerCase().replace('sha-', 'sha');
  }

  update(value: unknown): void {
    this.#given.push(bytesOf(value));
  }

  digest(value?: unknown): Uint8Array {
    if (value !== undefined) this.update(value);
    const hash = createHash(this.#name);
    for (const one of this.#given) hash.update(one);
    this.#given = [];
    return hash.digest();
  }
}

const hex =
  (name: string) =>
  (value: unknown): string =>
    createHash(name).update(bytesOf(value)).digest('hex');

const base64 = (value: unknown): string => Buffer.from(bytesOf(value)).toString('base64');
const fromBase64 = (value: unknown): Uint8Array => Buffer.from(plainTextOf(value), 'base64');

export const Base64Codec = {
  encodeBase64String: base64,
  encodeBase64: (value: unknown): Uint8Array => Buffer.from(base64(value)),
  decodeBase64: fromBase64,
};

export const Base64 = {
  getEncoder: (): object => ({
    encodeToString: base64,
    encode: (value: unknown) => Buffer.from(base64(value)),
  }),
  getDecoder: (): object => ({ decode: fromBase64 }),
};

export const DigestUtils = {
  md5Hex: hex('md5'),
  sha1Hex: hex('sha1'),
  shaHex: hex('sha1'),
  sha256Hex: hex('sha256'),
  sha512Hex: hex('sha512'),
};

/** A hash of Guava, whose text is hexadecimal. */
class HashCode {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  asBytes(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return Buffer.from(this.#bytes).toString('hex');
  }
}

const hashCode = (name: string, bytes: Uint8Array): HashCode =>
  new HashCode(createHash(name).update(bytes).digest());

const guava = (name: string) => (): object => {
  return {
    hashBytes: (value: Uint8Array) => hashCode(name, value),
    hashString: (value: unknown, charset: unknown) => hashCode(name, bytesOf(value, charset)),
    // each character is two bytes, the lower first
    hashUnencodedChars: (value: unknown) =>
      hashCode(name, Buffer.from(plainTextOf(value), 'utf16le')),
  };
};

/** `com.google.common.hash.Hashing`, which is in the class path of Mirth Connect. */
export const Hashing = {
  md5: guava('md5'),
  sha1: guava('sha1'),
  sha256: guava('sha256'),
  sha512: guava('sha512'),
};

/** `HashUtil.generate(value, encoding, algorithm)`, in hexadecimal. */
export const HashUtil = {
  generate: (value: unknown, ...more: readonly unknown[]): string => {
    const name = plainTextOf(more.at(-1) ?? 'SHA-256');
    return createHash(name.toLowerCase().replace('sha-', 'sha'))
      .update(bytesOf(value))
      .digest('hex');
  },
};

/** The parts of `FileUtil` that have nothing to do with files. */
export const FileUtil = {
  encode: base64,
  decode: fromBase64,
  encodeBase64: base64,
  decodeBase64: fromBase64,
};

export const URLEncoder = {
  encode: (value: unknown): string =>
    encodeURIComponent(plainTextOf(value))
      .replaceAll('%20', '+')
      .replaceAll(/[!'()~]/g, (one) => `%${one.codePointAt(0)?.toString(16).toUpperCase() ?? ''}`),
};

export const URLDecoder = {
  decode: (value: unknown): string => decodeURIComponent(plainTextOf(value).replaceAll('+', ' ')),
};
