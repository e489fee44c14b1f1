import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { type CertificateFacts, certificateFacts } from '../adapter/certificate-facts.ts';
import type {
  CertificateReport,
  Ending,
  ReportedCertificate,
  ShownCertificate,
} from '../control/certificate-report.ts';
import type { CredentialCertificate } from '../credential/held-certificates.ts';
import type { Definition } from '../definition/definition.ts';
import { type TrustedFile, trustedFiles } from '../definition/trusted-files.ts';
import { describeError } from '../error/engine-error.ts';
import type { PeerCertificate } from '../host/peer-certificates.ts';
import { type ExpiringKind, expiryNotice } from '../peer/tls/expiry-notice.ts';
import { pemCertificates } from '../peer/tls/pem-certificates.ts';
import { nextUpdate } from '../peer/tls/revocation-list.ts';

/** The sources of everything that expires. */
interface Sources {
  readonly definition: Definition;
  /** The certificates in the credentials. */
  readonly held: readonly CredentialCertificate[];
  readonly peers: readonly PeerCertificate[];
  readonly shown?: ShownCertificate | undefined;
}

/** Everything that expires: our own certificates, those of authorities and peers, revocation lists. */
export async function certificateReport({
  definition,
  held,
  peers,
  shown,
}: Sources): Promise<CertificateReport[]> {
  const files = Map.groupBy(trustedFiles(definition), ({ kind, file }) => `${kind} ${file}`);
  const trusted = [...files.values()].map((same) => ofFile(definition.folder, same));
  return [
    ...(shown === undefined ? [] : [ofConsole(shown)]),
    ...held.map(ofCredential),
    ...(await Promise.all(trusted)),
    ...peers.filter((peer) => counts(definition, peer)).map(ofPeer),
  ];
}

function ofCredential({
  credential,
  kind,
  chain,
  problem,
}: CredentialCertificate): CertificateReport {
  const told = chain.map(reported);
  return { kind, name: credential, hosts: [], chain: told, ends: firstEnd(kind, chain), problem };
}

function ofConsole({ chain, problem }: ShownCertificate): CertificateReport {
  const about = { kind: 'own', name: 'the console', hosts: ['the console'] } as const;
  try {
    const read = chain.map((one) => certificateFacts(one));
    return { ...about, chain: read.map(reported), ends: firstEnd('own', read), problem };
  } catch {
    // OpenSSL cannot read it
    return { ...about, chain: [], problem: 'it is damaged: give the console an intact one' };
  }
}

function ofPeer({ holder, name, certificate, seen }: PeerCertificate): CertificateReport {
  const ends = firstEnd('peer', [certificate]);
  return { kind: 'peer', name, hosts: [holder], chain: [reported(certificate)], ends, seen };
}

/** A peer whose certificate has expired and that has presented no other for this long is considered gone. */
const GONE = 7 * 86_400_000;

/** The host may have been removed since. A holder that is not a host is a credential. */
function counts(
  { services, operations }: Definition,
  { holder, certificate }: PeerCertificate,
): boolean {
  const isHeld = holder.includes(' ') || services.has(holder) || operations.has(holder);
  return isHeld && certificate.notAfter.getTime() + GONE > Date.now();
}

async function ofFile(folder: string, same: readonly TrustedFile[]): Promise<CertificateReport> {
  const { kind = 'authority', file = '' } = same[0] ?? {};
  const about = { kind, name: relative(folder, file), hosts: same.map(({ host }) => host) };
  try {
    const bytes = await readFile(file);
    if (kind === 'revocation-list')
      return { ...about, chain: [], ends: listEnd(nextUpdate(bytes)) };
    const chain = certificatesOf(bytes.toString('latin1'));
    return { ...about, chain: chain.map(reported), ends: firstEnd(kind, chain) };
  } catch (error) {
    return { ...about, chain: [], problem: `it cannot be read: ${describeError(error).code}` };
  }
}

function listEnd(end: Date | undefined): Ending | undefined {
  return end && ending('the revocation list', end, expiryNotice('revocation-list', undefined));
}

/**
 * Our own chain needs every one of its certificates. Expired authorities are left out while others
 * are valid: bundles are full of them, and people were notified before they expired.
 */
function firstEnd(kind: ExpiringKind, chain: readonly CertificateFacts[]): Ending | undefined {
  const now = Date.now();
  const living = chain.filter(({ notAfter }) => notAfter.getTime() > now);
  const counted = kind === 'authority' && living.length > 0 ? living : chain;
  const ends = counted.map((one) => ending(one.subject, one.notAfter, expiryNotice(kind, one)));
  return ends.toSorted((a, b) => a.at - b.at)[0];
}

function ending(
  subject: string,
  end: Date,
  { warn, error }: ReturnType<typeof expiryNotice>,
): Ending {
  const at = end.getTime();
  return { subject, at, warn: at - warn, urgent: at - error };
}

const reported = ({ notBefore, notAfter, ...facts }: CertificateFacts): ReportedCertificate => ({
  ...facts,
  notBefore: notBefore.getTime(),
  notAfter: notAfter.getTime(),
});

const certificatesOf = (text: string): CertificateFacts[] =>
  pemCertificates(text).map((one) => certificateFacts(one));
