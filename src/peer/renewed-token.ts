import type { Credential } from '../adapter/credential.ts';
import { DisableError } from '../error/adapter-error.ts';

interface Lending {
  readonly credential: (name: string) => Promise<Credential>;
}

/**
 * Signs in, and where that was refused (a DisableError) with a token, once more with a fresh one: the peer may no longer
 * know the key of the one that is held, and would refuse it until it expires. Not with the same token again, which might
 * lock the account.
 */
export async function withRenewedToken<L extends Lending, Session>(
  lent: L,
  signIn: (lent: L) => Promise<Session>,
): Promise<Session> {
  const shown = new Map<string, string>();
  try {
    return await signIn(lending(lent, (name, found) => noting(found, name, shown)));
  } catch (error) {
    if (!(error instanceof DisableError) || shown.size === 0) throw error;
    return await signIn(lending(lent, (name, found) => renewing(found, shown.get(name), error)));
  }
}

type Token = Extract<Credential, { readonly kind: 'bearer' | 'oauth2' }>;

const lending = <L extends Lending>(lent: L, of: (name: string, found: Token) => Token): L => ({
  ...lent,
  async credential(name: string) {
    const found = await lent.credential(name);
    return found.kind === 'bearer' || found.kind === 'oauth2' ? of(name, found) : found;
  },
});

const noting = (found: Token, name: string, shown: Map<string, string>): Token => ({
  ...found,
  async token(signal, options) {
    const token = await found.token(signal, options);
    shown.set(name, token);
    return token;
  },
});

/** Only its first token is fetched anew: a connection may ask for more, long after. */
function renewing(found: Token, refused: string | undefined, error: DisableError): Token {
  let isFresh = refused === undefined;
  return {
    ...found,
    async token(signal, options) {
      if (isFresh) return await found.token(signal, options);
      const token = await found.token(signal, { fresh: true, refused });
      if (token === refused) throw error;
      isFresh = true;
      return token;
    },
  };
}
