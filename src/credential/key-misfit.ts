import type { KeyObject } from 'node:crypto';

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};
const LEAST_RSA_BITS = 2048;

const OPTIONS: Readonly<Record<string, string>> = {
  ES256: '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
  ES384: '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
  ES512: '-algorithm EC -pkeyopt ec_paramgen_curve:P-521',
  EdDSA: '-algorithm ED25519',
};
const RSA_OPTIONS = '-algorithm RSA -pkeyopt rsa_keygen_bits:3072';

/** Why a key cannot be used for a JOSE algorithm, and how to make one that can; undefined if it can. */
export function keyMisfit(
  key: KeyObject,
  algorithm: string,
): { readonly cause: string; readonly remedy: string } | undefined {
  if (fits(key, algorithm)) return undefined;
  return {
    cause: `a key of type ${describeKey(key)} cannot be used for ${algorithm}`,
    remedy: `Set algorithm to that of the key, or make a key: openssl genpkey ${OPTIONS[algorithm] ?? RSA_OPTIONS}`,
  };
}

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, algorithm: string): boolean {
  if (algorithm === 'EdDSA') return asymmetricKeyType === 'ed25519';
  const curve = CURVES[algorithm];
  if (curve !== undefined) return asymmetricKeyDetails?.namedCurve === curve;
  return (
    asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS
  );
}

function describeKey({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string {
  const bits = details?.modulusLength;
  const size = details?.namedCurve ?? (bits === undefined ? '' : `${bits} bit`);
  return `${type ?? 'secret'} ${size}`.trim();
}
