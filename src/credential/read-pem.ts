import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { blocksBegun, pemCertificates } from '../peer/tls/pem-certificates.ts';
import { CredentialError } from './credential-error.ts';
import type { Pem } from './secret-setting.ts';

/** A PEM text and the file it was read from, if it was. */
export interface PemText {
  readonly text: string;
  readonly file: string | undefined;
}

/** Reads a PEM setting now, so that a renewed file is used. `what` names it in errors: `certificate`, `key`. */
export async function readPem(credential: string, what: string, pem: Pem): Promise<PemText> {
  if ('text' in pem) return { text: pem.text, file: undefined };
  const bytes = await readBytes(credential, what, pem.file);
  const text = bytes.toString('utf8');
  if (!text.includes('-----BEGIN ') && !text.startsWith('PuTTY-User-Key-File')) {
    throw new CredentialError('CREDENTIAL_REFUSED', credential, notPem(what, pem.file, bytes));
  }
  return { text, file: pem.file };
}

/** The current content of a file. `what` names its setting in the error. */
export async function readBytes(credential: string, what: string, file: string): Promise<Buffer> {
  return await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CredentialError('CREDENTIAL_MISSING', credential, {
      cause: `the file of ${what}, ${file}, cannot be read (${error.code ?? error.name})`,
      remedy: "Correct the path (relative to the production's folder) or the file's permissions",
      retryable: true,
    });
  });
}

function notPem(what: string, file: string, bytes: Buffer): { cause: string; remedy: string } {
  // DER and PKCS#12 both begin with a SEQUENCE.
  const isBinary = bytes[0] === 0x30;
  return {
    cause: `${what} (${file}) is ${isBinary ? 'binary, PKCS#12 or DER, not PEM' : 'not PEM'}`,
    remedy: isBinary
      ? 'A PKCS#12 file must be the certificate of a credential of kind certificate and be named .p12 or .pfx; convert anything else to PEM text with openssl, which begins with -----BEGIN'
      : 'Convert it to PEM text with openssl, which begins with -----BEGIN',
  };
}

/** Reads a private key in a form node:crypto knows (not OpenSSH's own or PuTTY's). */
export function privateKey(
  credential: string,
  what: string,
  pem: { readonly text: string; readonly passphrase: string | undefined },
): KeyObject {
  const refused = (cause: string, remedy: string): CredentialError =>
    new CredentialError('CREDENTIAL_REFUSED', credential, { cause: `${what} ${cause}`, remedy });
  if (!pem.text.includes('PRIVATE KEY-----')) {
    throw refused(
      'is not a private key',
      'It must begin with -----BEGIN PRIVATE KEY----- or similar',
    );
  }
  const { text: key, passphrase } = pem;
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isEncrypted = /ENCRYPTED/.test(key);
    if (isEncrypted && passphrase === undefined) {
      throw refused('is encrypted', 'Set passphrase');
    }
    throw isEncrypted
      ? refused('cannot be opened with the passphrase', 'Correct passphrase')
      : refused(`cannot be read (${code ?? 'unknown format'})`, 'Export it again, as PKCS#8 PEM');
  }
}

/** Every certificate of a PEM text, in order; at least one. */
export function certificateChain(
  credential: string,
  what: string,
  text: string,
): X509Certificate[] {
  const blocks = pemCertificates(text);
  const refused = (cause: string, remedy: string): CredentialError =>
    new CredentialError('CREDENTIAL_REFUSED', credential, { cause: `${what} ${cause}`, remedy });
  if (blocks.length === 0) {
    throw refused('contains no certificate', 'It must begin with -----BEGIN CERTIFICATE-----');
  }
  const damaged = (number: number): CredentialError =>
    refused(`is damaged at certificate ${number}`, 'Export it again');
  const chain = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw damaged(index + 1);
    }
  });
  // cut off, as while it is being written: peers would miss the rest of the chain
  if (blocksBegun(text, 'CERTIFICATE') > chain.length) throw damaged(chain.length + 1);
  return chain;
}
