import { type DerElement, elementAt, elementsOf, SEQUENCE } from './read-der.ts';

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
    .matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g)
    .map(([, base64 = '']) => Buffer.from(base64, 'base64'))
    .toArray();
  return blocks.length > 0 ? blocks : [list];
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** CertificateList ::= SEQUENCE { tbsCertList SEQUENCE { [version], signature, issuer, thisUpdate, nextUpdate … */
function readNextUpdate(der: Buffer): Date | undefined {
  const outer = elementAt(der, 0);
  const signed = outer?.tag === SEQUENCE ? elementAt(outer.content, 0) : undefined;
  if (signed?.tag !== SEQUENCE) return undefined;
  const times: Date[] = [];
  for (const element of elementsOf(signed.content)) {
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
