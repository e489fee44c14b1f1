import { errors } from 'jose';
import { CredentialError } from '../credential-error.ts';
import type { JwtKeyValues } from '../kind/jwt-key-settings.ts';

type Explain = (values: JwtKeyValues, error: errors.JOSEError) => readonly [string, string];

const REFUSALS: Readonly<Record<string, Explain>> = {
  ERR_JWT_EXPIRED: () => [
    'the token has expired',
    'Have a new one made; if it is new, compare the clocks of both machines',
  ],
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: ({ algorithm }) => [
    `the signature of the token does not belong to this key (${algorithm})`,
    'Ask the signer for the key in use now; the token may also have been changed on the way',
  ],
  ERR_JOSE_ALG_NOT_ALLOWED: ({ algorithm }) => [
    `the token is not signed with ${algorithm}`,
    'Set algorithm to what the signer uses; never trust the token to say it',
  ],
  ERR_JWT_CLAIM_VALIDATION_FAILED: (_, error) => claimText(error),
  ERR_JWKS_NO_MATCHING_KEY: () => [
    'the key that the token names is not among those the signer publishes',
    'Check jwksUrl; the signer must publish a key before it signs with it',
  ],
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: () => [
    'the token does not say which of the published keys signed it',
    'Have the signer put the id of the key (kid) into the header',
  ],
  ERR_JWKS_INVALID: () => ['jwksUrl does not lead to a set of keys', 'Correct jwksUrl'],
};

/** Why a token was refused. Never a part of the token: jose's errors hold its claims. */
export function jwtRefusal(
  credential: string,
  error: errors.JOSEError,
  values: JwtKeyValues,
): CredentialError {
  const [cause, remedy] = REFUSALS[error.code]?.(values, error) ?? [
    'the text is not a signed JSON Web Token',
    'It must have three parts with dots between; an encrypted one has five and is not taken',
  ];
  return new CredentialError('CREDENTIAL_REFUSED', credential, { cause, remedy });
}

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'issuer',
  aud: 'audience',
  nbf: 'first moment of validity',
  exp: 'expiry',
};

function claimText(error: errors.JOSEError): readonly [string, string] {
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return ['a claim is wrong', 'Ask the signer'];
  const what = CLAIMS[error.claim] ?? 'required claim';
  if (error.reason === 'missing') {
    return [`the token has no ${what} (${claimName(error)})`, 'Have the signer add it'];
  }
  if (error.claim === 'nbf') {
    return ['the token is not valid yet', 'Compare the clocks of both machines'];
  }
  const remedy = 'Compare with what the signer puts in; it may be meant for somebody else';
  return [`the ${what} (${claimName(error)}) of the token is not the one expected`, remedy];
}

const claimName = ({ claim }: errors.JWTClaimValidationFailed): string => claim.slice(0, 40);
