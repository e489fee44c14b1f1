import { createHash } from 'node:crypto';
import type { NamedJwtKeys } from '../credential/jwt/token-keys.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import type { TokenClaims, TokenKeys } from '../expression/token-keys.ts';

interface Done {
  readonly key: string;
  readonly at: number;
  readonly result: unknown;
}

type Once = (what: string, run: () => Promise<unknown>) => Promise<Done>;

type Verdict = { readonly claims: TokenClaims } | { readonly refused: string };

/**
 * Tokens of a durable process. A signed one is not stored: a replay makes it again, with the time and
 * id of the first. Of a verified one the claims are stored, or why it was refused.
 */
export function durableTokens(keys: NamedJwtKeys, once: Once): TokenKeys {
  return {
    async sign(key, claims, options = {}) {
      const what = `jwt.sign ${key} ${digest(JSON.stringify([claims, options]))}`;
      const { at, key: step } = await once(what, () => Promise.resolve());
      return keys.sign(key, claims, { ...options, at, id: digest(`${step} ${at}`) });
    },
    async verify(key, token, options = {}) {
      const what = `jwt.verify ${key} ${digest(JSON.stringify([token, options]))}`;
      const { result } = await once(what, () => verdictOf(keys.verify(key, token, options)));
      const verdict = result as Verdict;
      if ('claims' in verdict) return verdict.claims;
      throw new EngineError('CREDENTIAL_REFUSED', verdict.refused);
    },
  };
}

async function verdictOf(verifying: Promise<TokenClaims>): Promise<Verdict> {
  try {
    return { claims: await verifying };
  } catch (error) {
    if (isEngineError(error) && error.code === 'CREDENTIAL_REFUSED') {
      return { refused: error.message };
    }
    throw error;
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
