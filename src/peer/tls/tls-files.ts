import { readFile } from 'node:fs/promises';
import type { Lent } from '../../adapter/adapter.ts';
import type { CertificateCredential } from '../../adapter/credential.ts';
import type { Settings } from '../../adapter/setting.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { blocksBegun } from './pem-certificates.ts';

/** What TLS needs from the engine. */
export type TlsLent = Pick<Lent<Settings>, 'credential' | 'event' | 'log'> & TlsClientLent;

/** What TLS needs to connect. A connection test does not report certificates: its steps show them. */
export type TlsClientLent = Pick<Lent<Settings>, 'credential'> &
  Partial<Pick<Lent<Settings>, 'peerCertificate'>>;

/** What a client of a server needs that it signs in to, and that is told who connects. */
export type ClientLent<Values> = TlsClientLent &
  Pick<Lent<Settings>, 'credential' | 'host' | 'production'> & { readonly settings: Values };

/** The content of the files behind a `tls` block. */
export interface TlsFiles {
  readonly own: CertificateCredential | undefined;
  readonly ca: Buffer | undefined;
  readonly crl: Buffer | undefined;
  /** Paths to watch for changes. */
  readonly watched: readonly string[];
}

/** What to read: the part common to both kinds of `tls` block. */
export interface TlsSources {
  readonly certificate: string | undefined;
  readonly trust: string | undefined;
  readonly crl: string | undefined;
}

/** Reads certificate, trust and revocation lists now. Throws TLS_REFUSED with the setting that is at fault. */
export async function readTlsFiles(
  lent: Pick<TlsLent, 'credential'>,
  { certificate, trust, crl }: TlsSources,
): Promise<TlsFiles> {
  const own = certificate === undefined ? undefined : await ownCertificate(lent, certificate);
  return {
    own,
    ca: trust === undefined ? undefined : await pem(trust, 'trust', 'CERTIFICATE'),
    crl: crl === undefined ? undefined : await pem(crl, 'crl', 'X509 CRL'),
    watched: [...(own?.files ?? []), trust, crl].filter((path) => path !== undefined),
  };
}

async function ownCertificate(
  lent: Pick<TlsLent, 'credential'>,
  name: string,
): Promise<CertificateCredential> {
  const credential = await lent.credential(name);
  if (credential.kind === 'certificate') return credential;
  throw new EngineError(
    'TLS_REFUSED',
    `tls.certificate: ${name} is a credential of kind ${credential.kind}. Name one of kind certificate.`,
  );
}

const refused = (why: string): EngineError =>
  new EngineError('TLS_REFUSED', why, { retryable: true });

async function pem(path: string, setting: string, kind: string): Promise<Buffer> {
  const content = await readFile(path).catch((error: unknown) => {
    throw refused(
      `tls.${setting}: the file ${path} cannot be read (${describeError(error).code}). Put it there or correct the path.`,
    );
  });
  // OpenSSL silently skips anything that is not PEM, which would leave nothing trusted, or nothing revoked
  const text = content.toString('latin1');
  const begun = blocksBegun(text, kind);
  const whole = `-----BEGIN ${kind}-----[A-Za-z0-9+/=\\s]+-----END ${kind}-----`;
  const found = [...text.matchAll(new RegExp(whole, 'g'))].length;
  if (found > 0 && found === begun) return content;
  if (begun === 0) throw refused(`tls.${setting}: the file ${path} holds no ${kind} in PEM form.`);
  throw refused(
    `tls.${setting}: the ${kind} in the file ${path} is cut off or damaged. Write it under another name and rename it once it is whole.`,
  );
}
