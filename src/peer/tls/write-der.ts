/** Writes ASN.1 DER, as far as certificates, revocation lists and Kerberos need it. */

/** One element: tag, length, content. */
function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer =>
  element(0x30, Buffer.concat(parts));
export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, Buffer.concat(parts));
export const octets = (content: Uint8Array): Buffer => element(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Buffer =>
  element(0x03, Buffer.concat([Buffer.of(unused), content]));
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.of(value ? 0xff : 0));
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'));

/** Context-specific: `[tag]` with elements inside, or with raw content. */
export const tagged = (tag: number, content: Uint8Array): Buffer => element(0xa0 | tag, content);
export const implicit = (tag: number, content: Uint8Array): Buffer => element(0x80 | tag, content);

export const application = (tag: number, content: Uint8Array): Buffer =>
  element(0x60 | tag, content);
export const enumerated = (value: number): Buffer => element(0x0a, Buffer.of(value));
/** A GeneralString, for text in ASCII or UTF-8. */
export const general = (text: string): Buffer => element(0x1b, Buffer.from(text, 'utf8'));

/** A non-negative number below 2^48. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  const first = bytes.findIndex((byte) => byte !== 0);
  return integer(first === -1 ? Buffer.of(0) : bytes.subarray(first));
}

/** A non-negative integer, given as big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const sign = (bytes[0] ?? 0) & 0x80 ? Buffer.of(0) : Buffer.alloc(0);
  return element(0x02, Buffer.concat([sign, bytes]));
}

/** An object identifier such as `2.5.4.3`. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** A time with four digits for the year, whole seconds. */
export function generalTime(at: Date): Buffer {
  const text = `${at.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
  return element(0x18, Buffer.from(text, 'latin1'));
}

/** A time as certificates write it: two-digit years up to 2049, four digits from then on. */
export function time(at: Date): Buffer {
  if (at.getUTCFullYear() >= 2050) return generalTime(at);
  const text = `${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`;
  return element(0x17, Buffer.from(text, 'latin1'));
}
