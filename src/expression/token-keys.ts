export type TokenClaims = Readonly<Record<string, unknown>>;

/**
 * Signs and verifies JSON Web Tokens with credentials of kind `jwt-key`, by name. Rejects with
 * CREDENTIAL_MISSING where a name or key is missing, and with CREDENTIAL_UNAVAILABLE, which is worth
 * a retry, where published keys cannot be fetched.
 */
export interface TokenKeys {
  /** Adds `iat`, `exp` and `jti`, and the issuer and audience of the key. */
  sign(key: string, claims: TokenClaims, options?: TokenSigning): Promise<string>;
  /**
   * The claims of a valid token. Rejects with CREDENTIAL_REFUSED, which names the check that failed:
   * signature, `alg`, `kid`, `exp`, `nbf`, `iss`, `aud`.
   */
  verify(key: string, token: string, options?: TokenVerifying): Promise<TokenClaims>;
}

/** What a token says instead of what its key says. */
export interface TokenSigning {
  readonly subject?: string;
  readonly audience?: string;
  readonly issuer?: string;
  /** Milliseconds. */
  readonly lifetime?: number;
}

/** What a token must say instead of what its key says. */
export interface TokenVerifying {
  /** One of them is enough. */
  readonly audience?: string | readonly string[];
  readonly issuer?: string;
  /** Claims that are required besides `exp`. */
  readonly required?: readonly string[];
}
