import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DisableError, type setting } from 'waybill/adapter';
import type { Signature } from './mail.ts';
import type { smtpSettings } from './smtp-settings.ts';

/** Receivers ignore signatures made with a shorter key (RFC 8301). */
const SHORTEST = 1_024;

/**
 * Reads the signing key. Throws a DisableError for an unusable one: nodemailer would send the mail
 * without a signature and report success.
 */
export async function signatureOf({
  dkim,
}: Pick<setting.ValuesOf<typeof smtpSettings>, 'dkim'>): Promise<Signature | undefined> {
  if (dkim === undefined) return undefined;
  const { domain, selector, key: path } = dkim;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DisableError(
      `dkim.key: the file ${path} cannot be read (${error.code ?? error.name}). Put it there or correct the path.`,
    );
  });
  const key = keyIn(text, path);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < SHORTEST) {
    const kind = key.asymmetricKeyType === 'rsa' ? `${bits} bits` : key.asymmetricKeyType;
    throw new DisableError(
      `dkim.key: the key in ${path} is of the kind ${kind ?? 'unknown'}. Use an RSA key of 2048 bits: openssl genrsa -out dkim.key 2048.`,
    );
  }
  return { domain, selector, privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** The parser's error is dropped: it may quote the key. */
function keyIn(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    const problem = /ENCRYPTED/.test(text)
      ? 'is encrypted. Give it without a passphrase (openssl rsa -in dkim.key -out dkim.key), readable only by this user'
      : 'contains no private key in PEM. Give the private key, not the public one that the DNS publishes';
    throw new DisableError(`dkim.key: the file ${path} ${problem}.`);
  }
}
