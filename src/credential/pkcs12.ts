import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { elementAt, elementsOf } from '../peer/tls/read-der.ts';
import { CredentialError } from './credential-error.ts';
import type { Pem } from './secret-setting.ts';

/** Our own certificate and key from a PKCS#12 file, as PEM. */
export interface Pkcs12 {
  /** The certificate followed by its chain. */
  readonly certificate: string;
  readonly key: string;
}

export interface Pkcs12File {
  readonly credential: string;
  readonly file: string;
  readonly bytes: Buffer;
  readonly passphrase: string | undefined;
}

/** For files that cannot be read here but may be readable by openssl. */
const CONVERT =
  'openssl pkcs12 -in FILE -clcerts -nokeys -out certificate.pem, the same with -cacerts -nokeys >> certificate.pem for its chain, and -nocerts -out key.pem';

/** Whether a setting names such a file. */
export const isPkcs12 = (pem: Pem): pem is { readonly file: string } =>
  'file' in pem && /\.(p12|pfx)$/i.test(pem.file);

/** Opens a PKCS#12 file (`.p12`, `.pfx`), as Windows and authorities hand them out. Rejects with CREDENTIAL_REFUSED and what to do. */
export async function openPkcs12(from: Pkcs12File): Promise<Pkcs12> {
  const chain = await chainOf(opened(from)).catch(() => {
    throw refused(
      from,
      'contains a certificate that TLS cannot use',
      'Ask for another kind of key',
    );
  });
  const [own] = chain;
  const key = keysOf(from).find((one) => own?.checkPrivateKey(one));
  if (key === undefined) {
    throw refused(from, 'has its key in an unknown format', `Convert it: ${CONVERT}`);
  }
  return {
    certificate: chain.map((one) => one.toString()).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function refused({ credential, file }: Pkcs12File, what: string, remedy: string): CredentialError {
  const cause = `the PKCS#12 file ${file} ${what}`;
  return new CredentialError('CREDENTIAL_REFUSED', credential, { cause, remedy });
}

function opened(from: Pkcs12File): SecureContext {
  const { bytes: pfx, passphrase = '' } = from;
  try {
    return createSecureContext({ pfx, passphrase });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (/mac verify/.test(message)) {
      throw passphrase === ''
        ? refused(from, 'is encrypted', 'Set passphrase')
        : refused(from, 'cannot be opened with the passphrase', 'Correct passphrase');
    }
    if (code === 'ERR_CRYPTO_UNSUPPORTED_OPERATION') {
      throw refused(
        from,
        'is encrypted in an old way (RC2) that is no longer safe',
        `Export it again with AES-256, or convert it, with -legacy before -in: ${CONVERT}`,
      );
    }
    throw /private key/.test(message)
      ? refused(from, 'contains no private key', 'Export it again with its private key')
      : refused(from, 'cannot be read', 'Copy it again in binary, or ask for another export');
  }
}

/** As OpenSSL would send it to a peer: nothing else in node reveals what is in the file. */
async function chainOf(secureContext: SecureContext): Promise<X509Certificate[]> {
  const [near, far] = duplexPair();
  const server = new TLSSocket(near, { isServer: true, secureContext });
  // No peer is involved: the identity does not matter here.
  const client = connect({ socket: far, rejectUnauthorized: false });
  const failed = Promise.withResolvers<never>();
  server.on('error', failed.reject);
  try {
    await Promise.race([once(client, 'secureConnect'), failed.promise]);
    const chain: X509Certificate[] = [];
    for (
      let one = client.getPeerX509Certificate();
      one !== undefined &&
      chain.every(({ fingerprint256 }) => fingerprint256 !== one?.fingerprint256);
      one = one.issuerCertificate
    ) {
      chain.push(one);
    }
    return chain;
  } finally {
    client.destroy();
    server.destroy();
  }
}

/** 1.2.840.113549.1.7.1, and the two kinds of bags with keys below 1.2.840.113549.1.12.10.1. */
const DATA = '2a864886f70d010701';
const KEY_BAGS = new Set(['2a864886f70d010c0a0101', '2a864886f70d010c0a0102']);

/** PFX ::= SEQUENCE { version, authSafe ContentInfo, … }, whose data are ContentInfos, whose data are bags (RFC 7292). */
function keysOf({ bytes, passphrase = '' }: Pkcs12File): KeyObject[] {
  const [, authSafe] = elementsOf(elementAt(bytes, 0)?.content ?? Buffer.alloc(0));
  const contents = authSafe === undefined ? [] : elementsOf(dataOf(authSafe.content));
  const bags = contents.flatMap(({ content }) => elementsOf(dataOf(content)));
  return bags.flatMap(({ content }) => {
    const [kind, value] = elementsOf(content);
    if (kind === undefined || value === undefined) return [];
    if (!KEY_BAGS.has(kind.content.toString('hex'))) return [];
    const encoded = { key: value.content, format: 'der', type: 'pkcs8', passphrase } as const;
    try {
      return [createPrivateKey(encoded)];
    } catch {
      // OpenSSL cannot read this kind of key, or not with this password: another bag may hold one
      return [];
    }
  });
}

/**
 * ContentInfo ::= SEQUENCE { contentType, [0] content }: the elements in the octets of plain data,
 * not of encrypted data.
 */
function dataOf(contentInfo: Buffer): Buffer {
  const [type, wrapped] = elementsOf(contentInfo);
  const isData = type?.content.toString('hex') === DATA;
  const octets = isData && wrapped !== undefined ? elementAt(wrapped.content, 0) : undefined;
  return elementAt(octets?.content ?? Buffer.alloc(0), 0)?.content ?? Buffer.alloc(0);
}
