import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { LRUCache } from 'lru-cache';

/** A text encoding in which the bytes 0 to 127 are ASCII. */
export interface Charset {
  /** IANA name, lower case. */
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => string;
  readonly encode: (text: string) => Buffer;
  /** Whether every character of the text exists in this charset. */
  readonly canEncode: (text: string) => boolean;
}

export const UTF8: Charset = {
  name: 'utf-8',
  decode: (bytes) => buffered(bytes).toString('utf8'),
  encode: (text) => Buffer.from(text, 'utf8'),
  canEncode: (text) => text.isWellFormed(),
};

/** One byte per character, byte value = code point: any bytes survive it. */
export const LATIN1: Charset = {
  name: 'iso-8859-1',
  decode: (bytes) => buffered(bytes).toString('latin1'),
  encode: (text) => Buffer.from(text, 'latin1'),
  canEncode: (text) => !/[^\0-\u00ff]/.test(text),
};

export const ASCII: Charset = {
  name: 'us-ascii',
  decode: LATIN1.decode,
  encode: LATIN1.encode,
  canEncode: isAsciiText,
};

const OFTEN: ReadonlyMap<string, Charset> = new Map([
  ['utf-8', UTF8],
  ['utf8', UTF8],
  ['iso-8859-1', LATIN1],
  ['latin1', LATIN1],
  ['us-ascii', ASCII],
  ['ascii', ASCII],
]);

/** Senders choose the name, and the library takes any spelling of one: `l.a.t.i.n.2`. */
const others = new LRUCache<string, Charset>({ max: 100 });
const LONGEST_NAME = 100;

/** The charset of an IANA name; undefined if unknown, not a superset of ASCII (UTF-16, UTF-7), or without a name. */
export function charsetNamed(name: string | undefined): Charset | undefined {
  if (name === undefined || name === '' || name.length > LONGEST_NAME) return undefined;
  const key = name.trim().toLowerCase();
  const known = OFTEN.get(key) ?? others.get(key);
  if (known !== undefined) return known;
  const found = fromIconv(key);
  if (found !== undefined) others.set(key, found);
  return found;
}

const PRINTABLE = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => index + 32));

function fromIconv(name: string): Charset | undefined {
  if (!iconv.encodingExists(name)) return undefined;
  const encode = (text: string): Buffer => buffered(iconv.encode(text, name));
  const decode = (bytes: Uint8Array): string => iconv.decode(buffered(bytes), name);
  try {
    if (encode(PRINTABLE).toString('latin1') !== PRINTABLE) return undefined;
  } catch {
    // the library knows the name but cannot encode
    return undefined;
  }
  return { name, decode, encode, canEncode: (text) => decode(encode(text)) === text };
}

/** Bytes decoded so that encoding the text with `charset` gives the same bytes again. */
export interface Decoded {
  readonly text: string;
  /** What the text was read as: the wanted charset, or ISO-8859-1 if the bytes do not fit it. */
  readonly charset: Charset;
  /** Offset of the first byte that does not fit the wanted charset. */
  readonly invalidAt: number | undefined;
}

/**
 * Decodes bytes in the wanted charset, UTF-8 by default. If they do not fit, they are read as
 * ISO-8859-1, which keeps every one of them; they never become U+FFFD.
 */
export function decodeFaithfully(bytes: Uint8Array, wanted: Charset = UTF8): Decoded {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    return { text: buffer.toString('latin1'), charset: wanted, invalidAt: undefined };
  }
  if (wanted === UTF8) {
    if (isUtf8(buffer)) return { text: UTF8.decode(buffer), charset: UTF8, invalidAt: undefined };
    return fallback(buffer, firstInvalidUtf8(buffer));
  }
  if (wanted === ASCII) {
    const invalidAt = buffer.findIndex((byte) => byte > 127);
    return isUtf8(buffer)
      ? { text: UTF8.decode(buffer), charset: UTF8, invalidAt }
      : fallback(buffer, invalidAt);
  }
  const text = wanted.decode(buffer);
  if (wanted === LATIN1) return { text, charset: LATIN1, invalidAt: undefined };
  const again = wanted.encode(text);
  if (again.equals(buffer)) return { text, charset: wanted, invalidAt: undefined };
  return fallback(buffer, firstDifference(buffer, again));
}

/** The name of what many senders write who call it ISO-8859-1: with €, „ and – where that has control characters. */
export const WINDOWS_1252 = 'windows-1252';

/** What text that is declared as one charset is read in, if another was set for it: Windows-1252 has all of ISO-8859-1. */
export function declaredOr(
  declared: Charset | undefined,
  given: string | undefined,
): Charset | undefined {
  const set = charsetNamed(given);
  return declared === LATIN1 && set?.name === WINDOWS_1252 ? set : (declared ?? set);
}

/** Whether the beginning of a text has characters of Windows-1252 where ISO-8859-1 has control characters, which nobody writes. */
export function hasWindowsCharacters(bytes: Uint8Array): boolean {
  return bytes.subarray(0, LOOKED_AT).some((byte) => byte >= 0x80 && byte <= 0x9f);
}

const LOOKED_AT = 64 * 1024;

/** Offset of the first byte that is not valid UTF-8; -1 if all are. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return -1;
}

export function isAsciiText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 127) return false;
  }
  return true;
}

/** The same memory as a Buffer. */
export function buffered(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fallback(buffer: Buffer, invalidAt: number): Decoded {
  return { text: LATIN1.decode(buffer), charset: LATIN1, invalidAt };
}

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? one.length : at;
}
