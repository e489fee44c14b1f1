import type { ExpiringKind } from '../peer/tls/expiry-notice.ts';

/** A certificate in JSON; times are milliseconds since 1970. */
export interface ReportedCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly fingerprint: string;
  readonly serial: string;
}

/** Something in the production that expires, and when people must be notified. */
export interface CertificateReport {
  readonly kind: ExpiringKind;
  /** A name under `credentials`, a file, or the expected owner of the certificate. */
  readonly name: string;
  /** The hosts that use it; those that use a credential are known from their settings. */
  readonly hosts: readonly string[];
  /** Our own certificate with its chain, or every certificate of a file. */
  readonly chain: readonly ReportedCertificate[];
  /** The earliest expiry; undefined if there is none or a problem. */
  readonly ends?: Ending | undefined;
  /** When a peer last presented it. */
  readonly seen?: number | undefined;
  readonly problem?: string | undefined;
}

export interface Ending {
  /** Subject of the certificate that expires, or what it is. */
  readonly subject: string;
  readonly at: number;
  /** When a person should be warned, and when it becomes urgent. */
  readonly warn: number;
  readonly urgent: number;
}

/** The certificates that the asking console presents to browsers, in PEM. */
export interface ShownCertificate {
  readonly chain: readonly string[];
  readonly problem?: string | undefined;
}
