import { createHash, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { type CertificateFacts, certificateFacts } from '../../adapter/certificate-facts.ts';
import { EngineError } from '../../error/engine-error.ts';

/** One certificate or key of a file, without anything that is secret. */
export type MaterialItem =
  | (CertificateFacts & {
      readonly kind: 'certificate';
      /** Whether it may issue others. */
      readonly authority: boolean;
      readonly selfSigned: boolean;
      readonly key: KeyFacts;
      /** What it may be used for: `server`, `client`, or an object identifier; empty for anything. */
      readonly usage: readonly string[];
    })
  | (KeyFacts & { readonly kind: 'private key' | 'public key'; readonly note: string | undefined })
  | {
      readonly kind: 'encrypted key' | 'secret key' | 'other';
      /** What it is. */
      readonly note: string;
    };

export interface MaterialFile {
  /** Its name, for notes and errors. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly passphrase?: string | undefined;
}

/** One part as it was read: the item, and what it is compared by. */
export interface ReadPart {
  readonly form: string;
  readonly item: MaterialItem;
  readonly certificate?: X509Certificate | undefined;
  readonly privateKey?: KeyObject | undefined;
}

export const refused = ({ name }: MaterialFile, what: string, remedy: string): EngineError =>
  new EngineError('CREDENTIAL_REFUSED', `${name} ${what}. ${remedy}`);

const USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'server',
  '1.3.6.1.5.5.7.3.2': 'client',
  '1.3.6.1.5.5.7.3.3': 'code',
  '1.3.6.1.5.5.7.3.4': 'mail',
  '1.3.6.1.5.5.7.3.8': 'time stamps',
  '1.3.6.1.5.5.7.3.9': 'answers about revocation',
};

export const certificatePart = (certificate: X509Certificate, form: string): ReadPart => ({
  form,
  item: certificateItem(certificate),
  certificate,
});

function certificateItem(certificate: X509Certificate): MaterialItem {
  return {
    kind: 'certificate',
    ...certificateFacts(certificate),
    authority: certificate.ca,
    selfSigned: certificate.checkIssued(certificate),
    key: keyFacts(certificate.publicKey),
    usage: (certificate.keyUsage ?? []).map((one) => USAGES[one] ?? one),
  };
}

export const privateKeyPart = (privateKey: KeyObject, form: string, note?: string): ReadPart => ({
  form,
  item: { kind: 'private key', ...keyFacts(privateKey), note },
  privateKey,
});

export const publicKeyPart = (key: KeyObject, form: string, note?: string): ReadPart => ({
  form,
  item: { kind: 'public key', ...keyFacts(key), note },
});

/** What a key is. */
interface KeyFacts {
  /** `RSA 3072 bit`, `EC P-256`, `Ed25519` */
  readonly type: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), 64 upper case hex digits. */
  readonly publicFingerprint: string;
  /** What is weak about it; undefined if nothing is. */
  readonly weak: string | undefined;
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
const LEAST_RSA_BITS = 2048;

/** Of a private key only what its public half says. */
function keyFacts(key: KeyObject): KeyFacts {
  const own = key.type === 'private' ? createPublicKey(key) : key;
  return {
    type: keyType(own),
    publicFingerprint: fingerprintOf(own.export({ type: 'spki', format: 'der' })),
    weak: weakness(own),
  };
}

const fingerprintOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').toUpperCase();

function keyType({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): string {
  const type: string = asymmetricKeyType ?? '';
  const { namedCurve, modulusLength } = details ?? {};
  if (namedCurve !== undefined) return `EC ${CURVES[namedCurve] ?? namedCurve}`;
  if (modulusLength !== undefined) return `${type.toUpperCase()} ${modulusLength} bit`;
  return type.replace(/^e/, 'E').replace(/^x/, 'X');
}

function weakness({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string | undefined {
  if (type === 'dsa') return 'DSA is refused nearly everywhere';
  const bits = details?.modulusLength;
  return bits !== undefined && bits < LEAST_RSA_BITS
    ? `${bits} bit are too few: peers want at least ${LEAST_RSA_BITS}`
    : undefined;
}
