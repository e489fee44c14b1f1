import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isPkcs12, openPkcs12, type Pkcs12File } from '../../credential/pkcs12.ts';
import { isSystemError, unless } from '../../error/foreseen.ts';
import { pemCertificates } from '../../peer/tls/pem-certificates.ts';
import type { Definition } from '../definition.ts';
import type { Place } from '../place.ts';
import type { Problems } from '../problem.ts';
import { trustedFiles } from '../trusted-files.ts';
import { isAssumed } from '../written/fill.ts';
import { pathText } from '../written/written.ts';

/** How long before a certificate expires its renewal is due. */
const SOON = 30 * 86_400_000;

interface CertificateAt {
  /** PEM text, or the absolute path of a PEM or PKCS#12 file. */
  readonly pem: { readonly text: string } | { readonly file: string };
  /** The password of a PKCS#12 file. */
  readonly passphrase?: string;
  readonly place: Place;
  readonly path: string;
}

/** Reports certificates that have expired or will soon, and files that are not certificates; each file once. */
export async function checkCertificates(
  definition: Definition,
  now: number,
  problems: Problems,
): Promise<void> {
  const seen = new Set<string>();
  for (const one of [...ownCertificates(definition), ...trustedCertificates(definition)]) {
    const name = 'file' in one.pem ? one.pem.file : one.pem.text;
    if (!seen.has(name)) await checkCertificate(one, now, problems);
    seen.add(name);
  }
}

/** The certificates that hosts present: credentials of the kind certificate. */
function* ownCertificates(definition: Definition): Generator<CertificateAt> {
  for (const [name, { kind, values, place }] of definition.credentials) {
    const { certificate, passphrase } = values;
    if (kind !== 'certificate' || typeof certificate !== 'string') continue;
    if (isAssumed([certificate, passphrase])) continue;
    const keys = ['credentials', name, 'certificate'];
    const pem = certificate.includes('-----BEGIN ')
      ? { text: certificate }
      : { file: resolve(definition.folder, certificate) };
    yield {
      pem,
      place: definition.placeOf(keys) ?? place,
      path: pathText(keys),
      ...(typeof passphrase === 'string' && { passphrase }),
    };
  }
}

/** The certificates that hosts trust. */
function* trustedCertificates(definition: Definition): Generator<CertificateAt> {
  for (const { kind, file, keys, place } of trustedFiles(definition)) {
    if (kind === 'authority') yield { pem: { file }, place, path: pathText(keys) };
  }
}

async function checkCertificate(
  { pem, place, path, passphrase }: CertificateAt,
  now: number,
  problems: Problems,
): Promise<void> {
  const bytes = 'text' in pem ? Buffer.from(pem.text) : await read(pem.file);
  if (bytes === undefined) {
    const remedy = 'It is read when a host connects: put it there before you start.';
    problems.warning(place, path, 'the file cannot be read', remedy);
    return;
  }
  const text = isPkcs12(pem)
    ? await certificatesIn({ credential: '', file: pem.file, bytes, passphrase })
    : bytes.toString('utf8');
  if (text === undefined) return;
  const certificates = pemCertificates(text).map(parse);
  if (certificates.length === 0 || certificates.includes(undefined)) {
    const what = certificates.length === 0 ? 'there is no certificate in it' : 'it is damaged';
    problems.error(place, path, what, 'It must be PEM: -----BEGIN CERTIFICATE-----.');
  }
  for (const certificate of certificates) {
    const what = certificate === undefined ? undefined : ending(certificate, now);
    if (what !== undefined) problems.warning(place, path, what, 'Renew it.');
  }
}

function ending(certificate: X509Certificate, now: number): string | undefined {
  const end = Date.parse(certificate.validTo);
  if (end >= now + SOON) return undefined;
  const subject = certificate.subject.replaceAll('\n', ', ');
  const day = new Date(end).toISOString().slice(0, 10);
  return `the certificate of ${subject} ${end < now ? 'expired' : 'expires'} on ${day}`;
}

async function read(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(unless(isSystemError, 'reading a certificate'));
}

/** Problems with the file itself are reported with the credentials. */
async function certificatesIn(file: Pkcs12File): Promise<string | undefined> {
  return openPkcs12(file).then(
    ({ certificate }) => certificate,
    // whatever is wrong with the file
    () => undefined,
  );
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // OpenSSL cannot read it
    return undefined;
  }
}
