/**
 * What an adapter gets for the name of a credential. The values are resolved when it asks, so a
 * renewed secret is used from the next `open`. Never log or store one, or put it into an error.
 */
export type Credential =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | {
      readonly kind: 'ntlm';
      readonly user: string;
      readonly password: string;
      readonly domain?: string;
      readonly workstation?: string;
    }
  | {
      readonly kind: 'ssh-key';
      readonly user: string;
      readonly privateKey: string;
      readonly passphrase?: string;
      readonly password?: string;
    }
  | CertificateCredential
  | TicketCredential
  | TokenCredential;

/** A certificate with its key, both in PEM. */
export interface CertificateCredential {
  readonly kind: 'certificate';
  /** The certificate followed by its chain. */
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string;
  /** Files it was read from, to be watched for renewal; empty for values from elsewhere. */
  readonly files: readonly string[];
}

/** An account of a Windows domain or of MIT Kerberos. */
export interface TicketCredential {
  readonly kind: 'kerberos';
  /** With its realm. */
  readonly user: string;
  /**
   * What goes after `Negotiate` in one request to that host; a server takes each once. Use `fresh` after the host
   * refused one: gets new tickets.
   */
  ticket(
    host: string,
    signal: AbortSignal,
    options?: { readonly fresh?: boolean },
  ): Promise<string>;
}

/** A bearer token: fixed (`bearer`) or fetched and renewed by the engine (`oauth2`). */
export interface TokenCredential {
  readonly kind: 'bearer' | 'oauth2';
  /** The mailbox or account the token is for, if the protocol needs one (XOAUTH2). */
  readonly user?: string;
  /**
   * The current token. Use `fresh` after the peer answered 401: fetches a new one, once for all who wait. Rejects
   * with CREDENTIAL_UNAVAILABLE, which is worth a retry, if `refused` was itself fetched for that reason seconds ago.
   */
  token(signal: AbortSignal, options?: FreshToken): Promise<string>;
  /** Scopes that were requested but not granted to the current token; for connection tests. */
  notGranted?(): readonly string[];
}

export interface FreshToken {
  readonly fresh?: boolean;
  /** The token that the peer does not accept. */
  readonly refused?: string | undefined;
}
