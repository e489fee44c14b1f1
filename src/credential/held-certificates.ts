import { type CertificateFacts, certificateFacts } from '../adapter/certificate-facts.ts';
import { describeError } from '../error/engine-error.ts';
import { loadCertificate } from './certificate.ts';
import type { EntryReader } from './entry-reader.ts';
import { certificateChain, readPem } from './read-pem.ts';
import type { Pem } from './secret-setting.ts';

/** Certificates that an entry contains, for the console; or why they cannot be read. */
export interface CredentialCertificate {
  readonly credential: string;
  /** Our own certificate with its chain, or those of authorities and signers that it trusts. */
  readonly kind: 'own' | 'authority';
  /** In the order of the text; empty if there is a problem. */
  readonly chain: readonly CertificateFacts[];
  readonly problem: string | undefined;
}

/** What expires in the entry of that name: our certificate, and those trusted under `trust` and `publicKey`. */
export async function heldCertificates(
  name: string,
  kind: string,
  reader: EntryReader,
): Promise<CredentialCertificate[]> {
  if (kind === 'certificate') {
    const own = async (): Promise<CertificateFacts[]> => {
      const values = await reader.readKind(name, 'certificate', 'what uses it');
      const { chain } = await loadCertificate(name, { ...values, files: reader.files(name) });
      return chain.map((one) => certificateFacts(one));
    };
    return [await described(name, 'own', own)];
  }
  if (kind !== 'oauth2' && kind !== 'jwt-key') return [];
  const pems = await trusted(name, reader).catch((): [] => []);
  const found = await Promise.all(
    pems.map(async ([setting, pem]) => {
      const facts = () => certificatesIn(name, setting, pem);
      return described(name, 'authority', facts);
    }),
  );
  return found.filter(({ chain, problem }) => chain.length > 0 || problem !== undefined);
}

/** An entry that cannot be read is reported by `check`, and by whoever uses it. */
async function trusted(name: string, reader: EntryReader): Promise<[string, Pem][]> {
  const values = await reader.read(name);
  if (values.kind !== 'oauth2' && values.kind !== 'jwt-key') return [];
  const { trust } = values;
  const publicKey = values.kind === 'jwt-key' ? values.publicKey : undefined;
  return [
    ...(trust === undefined ? [] : [['trust', trust] satisfies [string, Pem]]),
    ...(publicKey === undefined ? [] : [['publicKey', publicKey] satisfies [string, Pem]]),
  ];
}

/** A bare public key does not expire. */
async function certificatesIn(
  name: string,
  setting: string,
  pem: Pem,
): Promise<CertificateFacts[]> {
  const { text } = await readPem(name, setting, pem);
  if (setting === 'publicKey' && !text.includes('-----BEGIN CERTIFICATE-----')) return [];
  return certificateChain(name, setting, text).map((one) => certificateFacts(one));
}

async function described(
  credential: string,
  kind: CredentialCertificate['kind'],
  read: () => Promise<CertificateFacts[]>,
): Promise<CredentialCertificate> {
  try {
    return { credential, kind, chain: await read(), problem: undefined };
  } catch (error) {
    return { credential, kind, chain: [], problem: describeError(error).text };
  }
}
