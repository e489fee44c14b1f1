import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Place } from '../definition.ts';
import type { Problems } from '../problem.ts';

/** How long before a certificate's end its renewal is due. */
const SOON = 30 * 86_400_000;

export interface CertificateAt {
  /** PEM text, or the absolute path of a PEM file. */
  readonly pem: { readonly text: string } | { readonly file: string };
  readonly place: Place;
  readonly path: string;
}

/** Reports certificates that have expired or will soon, and files that cannot be read as such. */
export async function checkCertificate(
  { pem, place, path }: CertificateAt,
  now: number,
  problems: Problems,
): Promise<void> {
  const text = 'text' in pem ? pem.text : await readText(pem.file);
  if (text === undefined) {
    const remedy = 'It is read when a host connects: put it there before the start.';
    problems.warning(place, path, 'the file cannot be read', remedy);
    return;
  }
  const [first] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text) ?? [];
  const certificate = first === undefined ? undefined : parse(first);
  if (certificate === undefined) {
    problems.error(
      place,
      path,
      'there is no certificate in it',
      'It must be PEM: -----BEGIN CERTIFICATE-----.',
    );
    return;
  }
  const end = Date.parse(certificate.validTo);
  const day = new Date(end).toISOString().slice(0, 10);
  const subject = certificate.subject.replaceAll('\n', ', ');
  if (end < now) {
    problems.warning(place, path, `the certificate of ${subject} expired on ${day}`, 'Renew it.');
  } else if (end < now + SOON) {
    problems.warning(place, path, `the certificate of ${subject} expires on ${day}`, 'Renew it.');
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
