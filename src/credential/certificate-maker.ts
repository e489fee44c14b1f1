import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import * as der from '../peer/tls/write-der.ts';

/** A certificate with its key, both PEM; `certificate` is followed by its chain, if there is one. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

interface CertificateRequest {
  readonly commonName: string;
  /** `DNS:a.example`, `URI:urn:x`, `IP:127.0.0.1`; none by default. */
  readonly names?: readonly string[];
  /** Default: five minutes ago, for clocks that are off. */
  readonly notBefore?: Date;
  /** Default: 365 days from now. */
  readonly notAfter?: Date;
  /** Default: both. */
  readonly use?: readonly ('server' | 'client')[];
  /** Default: P-256. RSA for peers that accept nothing else, such as Entra; it takes some hundred milliseconds. */
  readonly keys?: 'P-256' | 'RSA';
}

/** A certificate authority of our own: for the demo, for tests, for a first TLS connection in a lab. */
export interface CertificateAuthority {
  /** PEM; what the peer puts under `trust`. */
  readonly certificate: string;
  issue(request: CertificateRequest): IssuedCertificate;
  /** A subordinate authority; the certificates it issues are followed by its own. */
  intermediate(commonName: string): CertificateAuthority;
  /** A revocation list (PEM) for the given certificates. Default next update: in 30 days. */
  revocationList(revoked: readonly string[], nextUpdate?: Date): string;
}

const DAY = 86_400_000;
const CLOCK_SLACK = 5 * 60_000;

/**
 * Makes an authority with a fresh P-256 key; takes about a millisecond. Written here because node:crypto
 * signs but cannot build a certificate, and openssl is not on every machine that runs the demo.
 */
export function certificateAuthority(
  commonName: string,
  notAfter?: Date,
  notBefore?: Date,
): CertificateAuthority {
  const subject: Identity = { name: nameOf(commonName), keys: keyPair() };
  const own = certificate(subject, subject, {
    ...(notBefore && { notBefore }),
    notAfter: notAfter ?? new Date(Date.now() + 3650 * DAY),
    extensions: authorityExtensions(),
  });
  return authority(subject, own, '');
}

interface Identity {
  readonly name: Buffer;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}

function authority(issuer: Identity, own: string, chain: string): CertificateAuthority {
  return {
    certificate: own,
    issue(request) {
      const subject: Identity = { name: nameOf(request.commonName), keys: keyPair(request.keys) };
      const made = certificate(subject, issuer, {
        ...(request.notBefore && { notBefore: request.notBefore }),
        notAfter: request.notAfter ?? new Date(Date.now() + 365 * DAY),
        extensions: leafExtensions(request),
      });
      return {
        certificate: made + chain,
        key: subject.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
    intermediate(commonName) {
      const subject: Identity = { name: nameOf(commonName), keys: keyPair() };
      const made = certificate(subject, issuer, {
        notAfter: new Date(Date.now() + 1825 * DAY),
        extensions: authorityExtensions(),
      });
      return authority(subject, made, made + chain);
    },
    revocationList: (revoked, nextUpdate = new Date(Date.now() + 30 * DAY)) =>
      revocationList(issuer, revoked, nextUpdate),
  };
}

const keyPair = (kind: CertificateRequest['keys'] = 'P-256'): Identity['keys'] =>
  kind === 'RSA'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: kind });

/** ecdsa-with-SHA256 */
const SIGNATURE = der.sequence(der.identifier('1.2.840.10045.4.3.2'));
const VERSION_3 = der.tagged(0, der.integer(Buffer.of(2)));
const VERSION_2 = der.integer(Buffer.of(1));

/** A subject with only a common name. */
export function nameOf(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.identifier('2.5.4.3'), der.utf8(commonName))));
}

interface Terms {
  readonly notBefore?: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

function certificate(subject: Identity, issuer: Identity, terms: Terms): string {
  const { notBefore = new Date(Date.now() - CLOCK_SLACK), notAfter, extensions } = terms;
  const serial = randomBytes(16);
  const body = der.sequence(
    VERSION_3,
    der.integer(Buffer.concat([Buffer.of(1), serial])),
    SIGNATURE,
    issuer.name,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject.name,
    subject.keys.publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(
      3,
      der.sequence(
        ...extensions,
        extension('2.5.29.14', der.octets(keyId(subject))),
        extension('2.5.29.35', der.sequence(der.implicit(0, keyId(issuer)))),
      ),
    ),
  );
  return pem('CERTIFICATE', signed(body, issuer));
}

function signed(body: Buffer, { keys }: Identity): Buffer {
  return der.sequence(body, SIGNATURE, der.bits(sign('sha256', body, keys.privateKey)));
}

function keyId({ keys }: Identity): Buffer {
  return createHash('sha1')
    .update(keys.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** One extension of a certificate or a certificate request. */
export function extension(id: string, value: Buffer, critical?: 'critical'): Buffer {
  const flag = critical !== undefined ? [der.boolean(true)] : [];
  return der.sequence(der.identifier(id), ...flag, der.octets(value));
}

function authorityExtensions(): Buffer[] {
  return [
    extension('2.5.29.19', der.sequence(der.boolean(true)), 'critical'),
    // keyCertSign and cRLSign
    extension('2.5.29.15', der.bits(Buffer.of(0b0000_0110), 1), 'critical'),
  ];
}

const USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

function leafExtensions({ names = [], use = ['server', 'client'] }: CertificateRequest): Buffer[] {
  const alternative = extension('2.5.29.17', der.sequence(...names.map(alternativeName)));
  return [
    extension('2.5.29.19', der.sequence(), 'critical'),
    // digitalSignature
    extension('2.5.29.15', der.bits(Buffer.of(0b1000_0000), 7), 'critical'),
    extension('2.5.29.37', der.sequence(...use.map((one) => der.identifier(USES[one])))),
    ...(names.length > 0 ? [alternative] : []),
  ];
}

/** `DNS:a.example`, `URI:urn:x`, `IP:127.0.0.1` as encoded in a certificate. Throws a RangeError for anything else. */
export function alternativeName(name: string): Buffer {
  const [, kind = '', value = ''] = /^(DNS|URI|IP):(.+)$/.exec(name) ?? [];
  if (kind === 'IP') return der.implicit(7, addressBytes(value));
  if (kind === '') throw new RangeError(`${name} is not DNS:, URI: or IP: with a value`);
  return der.implicit(kind === 'DNS' ? 2 : 6, Buffer.from(value, 'latin1'));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  if (address === '::1') return Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);
  throw new RangeError(`${address} is not an IPv4 address or ::1`);
}

function revocationList(issuer: Identity, revoked: readonly string[], nextUpdate: Date): string {
  const updated = Math.min(Date.now() - CLOCK_SLACK, nextUpdate.getTime() - DAY);
  const entries = revoked.map((one) =>
    der.sequence(
      der.integer(Buffer.from(new X509Certificate(one).serialNumber, 'hex')),
      der.time(new Date(updated)),
    ),
  );
  const body = der.sequence(
    VERSION_2,
    SIGNATURE,
    issuer.name,
    der.time(new Date(updated)),
    der.time(nextUpdate),
    ...(entries.length > 0 ? [der.sequence(...entries)] : []),
    der.tagged(
      0,
      der.sequence(extension('2.5.29.35', der.sequence(der.implicit(0, keyId(issuer))))),
    ),
  );
  return pem('X509 CRL', signed(body, issuer));
}

/** Converts DER to PEM. */
export function pem(kind: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----\n`;
}
