/** Checks signed tokens (JWT) that callers show, with one key or with the keys an issuer publishes. */
export interface TokenVerifier {
  /**
   * The claims of a good token. Rejects with CREDENTIAL_REFUSED, whose text names the check that
   * failed (signature, algorithm, expiry, issuer, audience) and never quotes the token, and with
   * CREDENTIAL_UNAVAILABLE when the issuer's keys cannot be had.
   */
  verify(
    token: string,
    options?: { readonly audience?: string | readonly string[]; readonly issuer?: string },
  ): Promise<Readonly<Record<string, unknown>>>;
}
