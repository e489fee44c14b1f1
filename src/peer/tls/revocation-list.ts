import type { X509Certificate } from 'node:crypto';
import { type DerElement, elementAt, elementsOf, SEQUENCE } from './read-der.ts';

const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g;

/** The lists of a file (PEM), each by itself: node reads only the first of a text. */
export function listsOf(file: Buffer): Buffer[] {
  const blocks = file.toString('latin1').matchAll(BLOCK);
  return blocks.map(([block]) => Buffer.from(block)).toArray();
}

/** What the lists of a file revoke: serial numbers by the name of their authority, as they are encoded. */
export type Revoked = ReadonlyMap<string, ReadonlySet<string>>;

export function revokedBy(file: Buffer): Revoked {
  const revoked = new Map<string, ReadonlySet<string>>();
  for (const der of derOf(file)) {
    const parts = signedPart(der);
    const names = parts.filter(({ tag }) => tag === SEQUENCE);
    // after the algorithm and the name of the authority come the certificates, if there are any
    const [, authority, entries] = names;
    if (authority === undefined) continue;
    const serials = elementsOf(entries?.content ?? Buffer.of()).map(
      ({ content }) => elementAt(content, 0)?.content.toString('hex') ?? '',
    );
    const key = authority.content.toString('hex');
    revoked.set(key, new Set([...(revoked.get(key) ?? []), ...serials]));
  }
  return revoked;
}

/** Whether a certificate is among what is revoked. */
export function isRevoked({ raw }: X509Certificate, revoked: Revoked): boolean {
  const parts = signedPart(raw);
  const serial = parts.find(({ tag }) => tag === INTEGER)?.content.toString('hex');
  const authority = parts.filter(({ tag }) => tag === SEQUENCE)[1]?.content.toString('hex');
  return revoked.get(authority ?? '')?.has(serial ?? '') === true;
}

const INTEGER = 0x02;

/** The elements of what is signed in a list or a certificate. */
function signedPart(der: Buffer): DerElement[] {
  const outer = elementAt(der, 0);
  const signed = outer?.tag === SEQUENCE ? elementAt(outer.content, 0) : undefined;
  return signed?.tag === SEQUENCE ? elementsOf(signed.content) : [];
}

/**
 * When a revocation list (CRL, PEM or DER) must have been replaced. After that OpenSSL refuses
 * every certificate, so it has to be watched; node:crypto cannot read one. Undefined if it cannot
 * be read or has no such time. For several lists in one file: the earliest.
 */
export function nextUpdate(list: Buffer): Date | undefined {
  const times = derOf(list)
    .map(readNextUpdate)
    .filter((time) => time !== undefined);
  return times.toSorted((a, b) => a.getTime() - b.getTime())[0];
}

function derOf(list: Buffer): Buffer[] {
  const blocks = list
    .toString('latin1')
    .matchAll(BLOCK)
    .map(([, base64 = '']) => Buffer.from(base64, 'base64'))
    .toArray();
  return blocks.length > 0 ? blocks : [list];
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** CertificateList ::= SEQUENCE { tbsCertList SEQUENCE { [version], signature, issuer, thisUpdate, nextUpdate … */
function readNextUpdate(der: Buffer): Date | undefined {
  const times: Date[] = [];
  for (const element of signedPart(der)) {
    if (element.tag === UTC_TIME || element.tag === GENERALIZED_TIME) times.push(timeOf(element));
    else if (times.length > 0) break;
  }
  return times[1];
}

/** `YYMMDDhhmmssZ` (years from 1950) or `YYYYMMDDhhmmssZ`. */
function timeOf({ tag, content }: DerElement): Date {
  const text = content.toString('latin1');
  const century = Number(text.slice(0, 2)) < 50 ? '20' : '19';
  const full = tag === UTC_TIME ? century + text : text;
  const [, year, month, day, hour, minute, second = '00'] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(full) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
