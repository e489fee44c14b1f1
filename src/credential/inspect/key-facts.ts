import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** What a key is. */
export interface KeyFacts {
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
export function keyFacts(key: KeyObject): KeyFacts {
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
