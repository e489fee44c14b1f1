import {
  choice,
  duration,
  list,
  optional,
  type SettingProblem,
  text,
  url,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { pem, secret, secretPem } from '../secret-setting.ts';

/** Every algorithm a token may be signed with; `none` is not among them. */
export const JWT_ALGORITHMS = {
  HS256: 'Shared secret, SHA-256 (at least 32 bytes)',
  HS384: 'Shared secret, SHA-384 (at least 48 bytes)',
  HS512: 'Shared secret, SHA-512 (at least 64 bytes)',
  RS256: 'RSA, SHA-256',
  RS384: 'RSA, SHA-384',
  RS512: 'RSA, SHA-512',
  PS256: 'RSA-PSS, SHA-256',
  PS384: 'RSA-PSS, SHA-384',
  PS512: 'RSA-PSS, SHA-512',
  ES256: 'Elliptic curve P-256, SHA-256',
  ES384: 'Elliptic curve P-384, SHA-384',
  ES512: 'Elliptic curve P-521, SHA-512',
  EdDSA: 'Ed25519',
} as const;

/** The settings of a credential of kind `jwt-key`. */
export const jwtKeySettings = {
  algorithm: choice(JWT_ALGORITHMS, {
    help: 'The only algorithm used for signing and accepted, whatever a token says.',
    default: 'RS256',
  }),
  secret: optional(secret({ help: 'The shared secret of HS256, HS384 and HS512.' })),
  privateKey: optional(secretPem({ help: 'The private key to sign with, PEM text or path.' })),
  passphrase: optional(secret({ help: 'The passphrase of the private key, if it is encrypted.' })),
  publicKey: optional(
    pem({
      help: 'The public key or certificate to verify with. If left out, it is taken from the private key.',
    }),
  ),
  alsoAccept: list(pem({ help: 'A public key or certificate, as PEM text or path.' }), {
    help: 'Public keys that were or will be in use. Tokens they signed are accepted, and they are published beside the current one: a new key stands here before it signs, the old one until its last token has expired.',
    example: '["portal-2025.pem"]',
    advanced: true,
  }),
  jwksUrl: optional(
    url({
      help: 'Where the signer publishes its keys; a token names the one to verify with.',
      example: 'https://sso.hospital.example/realms/integration/protocol/openid-connect/certs',
    }),
  ),
  keyId: optional(
    text({ help: 'The kid in the header of signed tokens. Default: the RFC 7638 thumbprint.' }),
  ),
  issuer: optional(
    text({ help: 'The iss of signed tokens, and the only one accepted when verifying.' }),
  ),
  subject: optional(
    text({
      help: 'The sub of signed tokens, if the peer wants to know on whose behalf we ask.',
    }),
  ),
  audience: optional(
    text({ help: 'The aud of signed tokens, and the only one accepted when verifying.' }),
  ),
  lifetime: duration({ help: 'How long signed tokens are valid.', default: '5m' }),
  clockSkew: duration({
    help: 'By how much the clock of a signer may be off.',
    default: '30s',
    advanced: true,
  }),
  trust: optional(
    pem({ help: 'Certificates of the authorities to trust for jwksUrl.', advanced: true }),
  ),
};

export type JwtKeyValues = ValuesOf<typeof jwtKeySettings>;

/** Problems between the settings. */
export function jwtKeyProblems(values: JwtKeyValues): SettingProblem[] {
  return values.algorithm.startsWith('HS') ? sharedProblems(values) : keyProblems(values);
}

const at = (name: keyof JwtKeyValues, problem: string): SettingProblem[] => [
  { path: [name], problem },
];

function sharedProblems(values: JwtKeyValues): SettingProblem[] {
  const { algorithm, secret: shared, privateKey, publicKey, alsoAccept, jwksUrl } = values;
  if (
    privateKey !== undefined ||
    publicKey !== undefined ||
    jwksUrl !== undefined ||
    alsoAccept.length > 0
  ) {
    return at('algorithm', `${algorithm} uses a secret, not keys`);
  }
  if (shared === undefined) return at('secret', `is required for ${algorithm}`);
  const least = Number(algorithm.slice(2)) / 8;
  return Buffer.byteLength(shared) < least
    ? at('secret', `must have at least ${least} bytes for ${algorithm} (RFC 7518, 3.2)`)
    : [];
}

function keyProblems(values: JwtKeyValues): SettingProblem[] {
  const { algorithm, secret: shared, privateKey, publicKey, jwksUrl } = values;
  if (shared !== undefined) return at('secret', `is for HS256 to HS512, not ${algorithm}`);
  if (jwksUrl !== undefined && values.alsoAccept.length > 0) {
    return at(
      'alsoAccept',
      'has no effect with jwksUrl: the keys are those that are published there',
    );
  }
  if (jwksUrl !== undefined && jwksUrl.protocol !== 'https:' && jwksUrl.hostname !== 'localhost') {
    return at('jwksUrl', 'must be an https address');
  }
  return privateKey === undefined && publicKey === undefined && jwksUrl === undefined
    ? at('privateKey', 'is required to sign; to verify only, publicKey or jwksUrl')
    : [];
}
