import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateCredential } from '../../src/adapter/index.ts';
import {
  type CertificateAuthority,
  certificateAuthority,
  type IssuedCertificate,
} from '../../src/credential/certificate-maker.ts';
import { temporaryFolder } from './temporary-folder.ts';

const DAY = 86_400_000;

/** Certificates as a hospital has them, and as it should not have them. All files are in `folder`. */
export interface Certificates extends AsyncDisposable {
  readonly folder: string;
  readonly authority: CertificateAuthority;
  /** For localhost and 127.0.0.1. */
  readonly server: CertificateCredential;
  /** `CN=client-a`, `URI:urn:client-a`. */
  readonly client: CertificateCredential;
  /** `CN=client-b`. */
  readonly otherClient: CertificateCredential;
  readonly expiredServer: CertificateCredential;
  readonly expiredClient: CertificateCredential;
  /** Signed by an authority nobody trusts. */
  readonly strangeServer: CertificateCredential;
  readonly strangeClient: CertificateCredential;
  /** The path of the authority's certificate, for `trust`. */
  readonly trust: string;
  /** Writes a file to the folder and returns its path. */
  file(name: string, content: string): Promise<string>;
}

/** Makes a fresh set in a few milliseconds; nothing is shared between tests. */
export async function certificates(): Promise<Certificates> {
  const folder = await temporaryFolder('certificates');
  const authority = certificateAuthority('Test authority');
  const stranger = certificateAuthority('Strange authority');
  const names = ['DNS:localhost', 'IP:127.0.0.1'];
  const ended = {
    notBefore: new Date(Date.now() - 90 * DAY),
    notAfter: new Date(Date.now() - DAY),
  };
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(folder.path, name);
    await writeFile(path, content);
    return path;
  };
  return {
    folder: folder.path,
    authority,
    server: credentialOf(authority.issue({ commonName: 'localhost', names })),
    client: credentialOf(authority.issue({ commonName: 'client-a', names: ['URI:urn:client-a'] })),
    otherClient: credentialOf(authority.issue({ commonName: 'client-b' })),
    expiredServer: credentialOf(authority.issue({ commonName: 'localhost', names, ...ended })),
    expiredClient: credentialOf(authority.issue({ commonName: 'client-a', ...ended })),
    strangeServer: credentialOf(stranger.issue({ commonName: 'localhost', names })),
    strangeClient: credentialOf(stranger.issue({ commonName: 'client-a' })),
    trust: await file('ca.pem', authority.certificate),
    file,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** An issued certificate as an adapter's credential; `files` are watched for a renewal. */
export function credentialOf(
  { certificate, key }: IssuedCertificate,
  files: readonly string[] = [],
): CertificateCredential {
  return { kind: 'certificate', certificate, key, files };
}
