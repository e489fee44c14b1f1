import type { KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateCredential } from '../adapter/credential.ts';
import { concealed } from './concealed.ts';
import { CredentialError } from './credential-error.ts';
import { isPkcs12, openPkcs12 } from './pkcs12.ts';
import { certificateChain, type PemText, privateKey, readBytes, readPem } from './read-pem.ts';
import type { Pem } from './secret-setting.ts';

export interface CertificateValues {
  readonly certificate: Pem;
  /** Undefined if the certificate is a PKCS#12 file, which contains it. */
  readonly key: Pem | undefined;
  readonly passphrase: string | undefined;
  /** Files that were filled in, besides those named by path. */
  readonly files: readonly string[];
}

/** A certificate with its key; both were read and belong together. */
export interface LoadedCertificate {
  /** The certificate, then the others that came with it. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly privateKey: KeyObject;
  /** What adapters get. */
  readonly credential: CertificateCredential;
}

/**
 * Reads the files as they are now. Rejects if the key does not belong to the certificate, which TLS
 * would report only at the first connection and in OpenSSL's words. An expired certificate is
 * returned: the peer decides, and `certificates()` tells operators in time.
 */
export async function loadCertificate(
  name: string,
  values: CertificateValues,
): Promise<LoadedCertificate> {
  const { certificate, key, passphrase } = await textsOf(name, values);
  const [own, ...rest] = certificateChain(name, 'certificate', certificate.text);
  const opened = privateKey(name, 'key', { text: key.text, passphrase });
  if (own === undefined || !own.checkPrivateKey(opened)) {
    const swapped = rest.some((other) => other.checkPrivateKey(opened));
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: swapped
        ? 'the key belongs to a later certificate of the file, not to the first'
        : 'the key does not belong to the certificate',
      remedy: swapped
        ? 'Put our own certificate first and its authorities after it'
        : 'Give the key with which this certificate was requested',
    });
  }
  const named = [certificate.file, key.file].filter((file) => file !== undefined);
  const files = [...named, ...values.files];
  return {
    chain: [own, ...rest],
    privateKey: opened,
    credential: concealed(
      { kind: 'certificate', certificate: certificate.text, files: [...new Set(files)] } as const,
      {
        key: key.text,
        ...(passphrase !== undefined && { passphrase }),
      },
    ),
  };
}

interface Texts {
  readonly certificate: PemText;
  readonly key: PemText;
  /** The passphrase of the key, if it is encrypted. */
  readonly passphrase: string | undefined;
}

async function textsOf(
  name: string,
  { certificate, key, passphrase }: CertificateValues,
): Promise<Texts> {
  if (isPkcs12(certificate)) {
    const { file } = certificate;
    const bytes = await readBytes(name, 'certificate', file);
    const held = await openPkcs12({ credential: name, file, bytes, passphrase });
    return {
      certificate: { text: held.certificate, file },
      key: { text: held.key, file },
      passphrase: undefined,
    };
  }
  return {
    certificate: await readPem(name, 'certificate', certificate),
    // Without a key there is nothing to read; the check of the settings has reported that.
    key: await readPem(name, 'key', key ?? { text: '' }),
    passphrase,
  };
}
