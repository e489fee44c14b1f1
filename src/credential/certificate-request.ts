import { generateKeyPairSync, sign } from 'node:crypto';
import * as der from '../peer/tls/write-der.ts';
import { alternativeName, extension, nameOf, pem } from './certificate-maker.ts';

export interface RequestOrder {
  readonly commonName: string;
  /** `DNS:a.example`, `URI:urn:x`, `IP:127.0.0.1`. */
  readonly names: readonly string[];
  readonly keys: 'P-256' | 'RSA';
}

/** A fresh key and the certificate request for an authority (PKCS#10), both in PEM. */
export interface MadeRequest {
  readonly key: string;
  readonly request: string;
}

const NULL = Buffer.of(0x05, 0x00);
/** ecdsa-with-SHA256 and sha256WithRSAEncryption */
const SIGNATURES = {
  'P-256': der.sequence(der.identifier('1.2.840.10045.4.3.2')),
  RSA: der.sequence(der.identifier('1.2.840.113549.1.1.11'), NULL),
} as const;

/** Makes both. Throws a RangeError if a name is not valid. */
export function certificateRequest({ commonName, names, keys }: RequestOrder): MadeRequest {
  const { publicKey, privateKey } =
    keys === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const alternative = extension('2.5.29.17', der.sequence(...names.map(alternativeName)));
  const wanted = der.sequence(
    der.identifier('1.2.840.113549.1.9.14'),
    der.set(der.sequence(alternative)),
  );
  const body = der.sequence(
    der.integer(Buffer.of(0)),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(0, names.length === 0 ? Buffer.alloc(0) : wanted),
  );
  const signature = der.bits(sign('sha256', body, privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: pem('CERTIFICATE REQUEST', der.sequence(body, SIGNATURES[keys], signature)),
  };
}
