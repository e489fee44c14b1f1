import { X509Certificate } from 'node:crypto';

/** What people need to know about a certificate, for `waybill try`, the console and the event log. */
export interface CertificateFacts {
  /** `CN=epic.example, O=Example`: on one line, control characters removed. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names, as written in an allow list: `DNS:a.example`, `URI:urn:x`, `IP:10.0.0.1`. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256, 64 upper case hex digits. */
  readonly fingerprint: string;
  readonly serial: string;
}

/** Reads a certificate, or the first of a PEM text. Throws what node:crypto throws if it is not one. */
export function certificateFacts(certificate: X509Certificate | string): CertificateFacts {
  const read = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate;
  return {
    subject: oneLine(read.subject),
    issuer: oneLine(read.issuer),
    names: alternativeNames(read.subjectAltName ?? ''),
    notBefore: new Date(read.validFrom),
    notAfter: new Date(read.validTo),
    fingerprint: read.fingerprint256.replaceAll(':', ''),
    serial: read.serialNumber,
  };
}

const DAY = 86_400_000;

/** Whole days until a time; negative once it has passed. */
export function daysUntil(time: Date, now = Date.now()): number {
  return Math.floor((time.getTime() - now) / DAY);
}

/** `2027-01-31`: how certificate dates are shown. */
export function dateText(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'an unreadable date' : time.toISOString().slice(0, 10);
}

/** One line about a certificate: subject, issuer and expiry. */
export function describeCertificate({ subject, issuer, notAfter }: CertificateFacts): string {
  return `${subject || '(no subject)'}, issued by ${issuer || '(no issuer)'}, valid until ${dateText(notAfter)}`;
}

function oneLine(name: string): string {
  return printable(name.replaceAll('\n', ', '));
}

/** Makes a peer's text safe to show: no control characters, at most 200 characters. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?').slice(0, 200);
}

/**
 * Node writes alternative names as `DNS:a, URI:urn:x` and puts a value in JSON quotes if it
 * contains anything that could fake a second name.
 */
function alternativeNames(text: string): string[] {
  return text
    .matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)
    .map(([, kind = '', value = '']) => {
      const plain = value.startsWith('"') ? (JSON.parse(value) as string) : value;
      return printable(`${kind === 'IP Address' ? 'IP' : kind}:${plain}`);
    })
    .toArray();
}
