import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type CertificateFacts, certificateFacts } from '../../adapter/certificate-facts.ts';
import { isAllowed } from './allowed-name.ts';
import { coded } from './coded.ts';
import { listsOf } from './revocation-list.ts';
import { readTlsFiles, type TlsClientLent } from './tls-files.ts';
import type { TlsClientSettings } from './tls-settings.ts';

/**
 * The options for `tls.connect` (or undici, nodemailer, imapflow, basic-ftp …) to reach `host`
 * safely. Reads the files now: call it for each connection and a renewed certificate is used from
 * the next one on. Without settings the public authorities are trusted. Throws TLS_REFUSED if a
 * file is missing; `connectionCause` explains why a handshake fails.
 */
export async function clientTls(
  lent: TlsClientLent,
  settings: TlsClientSettings | undefined,
  host: string,
): Promise<ConnectionOptions> {
  const name = settings?.serverName ?? host;
  const common = {
    ...(isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: true,
    checkServerIdentity: (_: string, certificate: PeerCertificate) => {
      const problem = identityProblem(settings, name, certificate);
      if (problem === undefined) lent.peerCertificate?.(name, factsOf(certificate));
      return problem;
    },
  };
  if (settings === undefined) return { ...common, minVersion: 'TLSv1.2' };
  const { own, ca, crl } = await readTlsFiles(lent, settings);
  return {
    ...common,
    minVersion: settings.minimum,
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl: listsOf(crl) }),
    ...(settings.ciphers !== undefined && { ciphers: settings.ciphers }),
    ...(own !== undefined && { cert: own.certificate, key: own.key }),
    ...(own?.passphrase !== undefined && { passphrase: own.passphrase }),
  };
}

const factsOf = ({ raw }: PeerCertificate): CertificateFacts =>
  certificateFacts(new X509Certificate(raw));

/** Checks that the peer is who it should be: by name, unless switched off, and by the allow list. */
export function identityProblem(
  settings: TlsClientSettings | undefined,
  name: string,
  certificate: PeerCertificate,
): Error | undefined {
  const problem =
    settings?.verifyName === false ? undefined : checkServerIdentity(name, certificate);
  if (problem !== undefined || settings === undefined || settings.allow.length === 0)
    return problem;
  const x509 = new X509Certificate(certificate.raw);
  return isAllowed(settings.allow, x509) ? undefined : coded('WAYBILL_NOT_ALLOWED', x509);
}
