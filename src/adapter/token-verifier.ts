/**
 * Checks tokens that callers send: signed ones (JWT) with one key or with the keys an issuer
 * publishes, opaque ones by asking the server that issued them.
 */
export interface TokenVerifier {
  /**
   * The claims of a valid token. Rejects with CREDENTIAL_REFUSED, whose text names the check that
   * failed (signature, algorithm, expiry, issuer, audience) and never quotes the token, and with
   * CREDENTIAL_UNAVAILABLE when the issuer's keys cannot be fetched or it cannot be asked.
   */
  verify(
    token: string,
    options?: { readonly audience?: string | readonly string[]; readonly issuer?: string },
  ): Promise<Readonly<Record<string, unknown>>>;
}
