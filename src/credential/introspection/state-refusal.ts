import type { CredentialFault } from '../credential-error.ts';
import type { TokenState } from './kept-answers.ts';

export interface Wanted {
  readonly issuer: string | undefined;
  readonly audience: string | readonly string[] | undefined;
  readonly now: number;
}

/** Why a token is not accepted, from what its server says of it; undefined if it is good. Never a value of its claims. */
export function stateRefusal(
  { active, exp, nbf, iss, aud }: TokenState,
  { issuer, audience, now }: Wanted,
): CredentialFault | undefined {
  if (!active) {
    return fault(
      'the server that gave out the token says that it is not good: it has expired, was revoked or is none of its own',
      'Have a new token fetched; if it is new, compare the servers',
    );
  }
  if (typeof exp === 'number' && exp * 1_000 <= now) {
    return fault('the token has expired', 'Have a new token fetched');
  }
  if (typeof nbf === 'number' && nbf * 1_000 > now) {
    return fault('the token is not valid yet', 'Compare the clocks of both machines');
  }
  if (issuer !== undefined && iss !== issuer) return claimFault('issuer (iss)', iss);
  const meant = [aud].flat();
  if (audience !== undefined && ![audience].flat().some((one) => meant.includes(one))) {
    return claimFault('audience (aud)', aud);
  }
  return undefined;
}

const fault = (cause: string, remedy: string): CredentialFault => ({ cause, remedy });

const claimFault = (name: string, value: unknown): CredentialFault =>
  value === undefined
    ? fault(`the server names no ${name} for the token`, 'Have the server tell it')
    : fault(
        `the ${name} of the token is not the one expected`,
        'Compare with what the server says; it may be meant for somebody else',
      );
