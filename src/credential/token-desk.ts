import type { CredentialEntry } from './credential-entry.ts';
import type { Credentials } from './credentials.ts';
import { type DecodedToken, decodedToken, type TokenReport } from './jwt/token-report.ts';

/** A token to look at, and the key of the production to check it with. */
export interface TokenQuestion {
  readonly token: string;
  /** A credential of kind `jwt-key`; without one, the token is only decoded. */
  readonly key?: string | undefined;
}

/** A token to make. */
export interface TokenOrder {
  readonly key: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly subject?: string | undefined;
  readonly audience?: string | undefined;
  readonly issuer?: string | undefined;
  /** Milliseconds. */
  readonly lifetime?: number | undefined;
}

/** What people ask of a production's keys for tokens. */
export interface TokenDesk {
  /** The names of the credentials of kind `jwt-key`. */
  keys(): readonly string[];
  /** Rejects with CREDENTIAL_MISSING or CREDENTIAL_REFUSED if the key cannot be used; never because of the token. */
  inspect(question: TokenQuestion): Promise<TokenReport>;
  sign(order: TokenOrder): Promise<{ readonly token: string }>;
}

/** `entries` are those of the production as it runs now. */
export function tokenDesk(
  known: Pick<Credentials, 'jwt'>,
  entries: () => ReadonlyMap<string, Pick<CredentialEntry, 'kind'>>,
): TokenDesk {
  return {
    keys: () => [...entries()].flatMap(([name, { kind }]) => (kind === 'jwt-key' ? [name] : [])),
    async inspect({ token, key }) {
      if (key !== undefined) return (await known.jwt(key)).inspect(token);
      return decodedReport(decodedToken(token));
    },
    async sign({ key, claims, subject, audience, issuer, lifetime }) {
      const jwt = await known.jwt(key);
      const token = await jwt.sign(claims, {
        ...(subject !== undefined && { subject }),
        ...(audience !== undefined && { audience }),
        ...(issuer !== undefined && { issuer }),
        ...(lifetime !== undefined && { lifetime }),
      });
      return { token };
    },
  };
}

function decodedReport(decoded: DecodedToken | { readonly problem: string }): TokenReport {
  if ('problem' in decoded) {
    return {
      checks: [{ check: 'form', result: 'failed', text: decoded.problem }],
      accepted: false,
    };
  }
  const text = 'Nothing is proven without a key: anybody can write such a token.';
  return { ...decoded, checks: [{ check: 'signature', result: 'skipped', text }], accepted: false };
}
