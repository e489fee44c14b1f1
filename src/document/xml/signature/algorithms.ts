import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import type { XmlElement } from '../tree.ts';
import { canonical } from './canonical.ts';

export const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#';
export const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';

/** What a signature may use: nothing broken (SHA-1), expensive (XPath, XSLT) or with a shared key. */
const DIGESTS: Readonly<Record<string, string>> = {
  [SHA256]: 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};

interface Method {
  readonly hash: string;
  readonly kind: 'rsa' | 'ec';
}

const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';

const METHODS: Readonly<Record<string, Method>> = {
  [`${MORE}rsa-sha256`]: { hash: 'sha256', kind: 'rsa' },
  [`${MORE}rsa-sha384`]: { hash: 'sha384', kind: 'rsa' },
  [`${MORE}rsa-sha512`]: { hash: 'sha512', kind: 'rsa' },
  [`${MORE}ecdsa-sha256`]: { hash: 'sha256', kind: 'ec' },
  [`${MORE}ecdsa-sha384`]: { hash: 'sha384', kind: 'ec' },
  [`${MORE}ecdsa-sha512`]: { hash: 'sha512', kind: 'ec' },
};

export const isMethod = (algorithm: string): boolean => Object.hasOwn(METHODS, algorithm);

export const isDigest = (algorithm: string): boolean => Object.hasOwn(DIGESTS, algorithm);

/** The method for a key; undefined if none signs with it. */
export const methodFor = (key: KeyObject): string | undefined =>
  key.asymmetricKeyType === 'rsa'
    ? `${MORE}rsa-sha256`
    : key.asymmetricKeyType === 'ec'
      ? `${MORE}ecdsa-sha256`
      : undefined;

interface DigestOf {
  readonly algorithm: string;
  readonly inclusive?: readonly string[];
  /** The signature itself, if it is inside what it signs (`enveloped-signature`). */
  readonly without?: XmlElement | undefined;
}

/** The digest of an element in its canonical form, in base64. */
export function digestOf(
  element: XmlElement,
  { algorithm, inclusive = [], without }: DigestOf,
): string {
  const hash = createHash(DIGESTS[algorithm] ?? '');
  for (const piece of canonical(element, inclusive, without)) hash.update(piece, 'utf8');
  return hash.digest('base64');
}

/** RFC 4051 §2.3.6: an elliptic signature is its two numbers in sequence. */
const keyed = (
  key: KeyObject,
): { readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363' } => ({
  key,
  dsaEncoding: 'ieee-p1363',
});

export function signedBy(key: KeyObject, algorithm: string, text: string): string {
  const method = METHODS[algorithm];
  if (method === undefined) throw new TypeError(`no such method: ${algorithm}`);
  return sign(method.hash, Buffer.from(text), keyed(key)).toString('base64');
}

/** Whether a key made the signature of a text; the key must be of the method's kind. */
export function isSignedBy(
  key: KeyObject,
  algorithm: string,
  { text, signature }: { readonly text: string; readonly signature: Buffer },
): boolean {
  const method = METHODS[algorithm];
  if (method === undefined || key.asymmetricKeyType !== method.kind) return false;
  return verify(method.hash, Buffer.from(text), keyed(key), signature);
}
