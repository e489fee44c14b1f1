import type { CertificateFacts } from '../../adapter/certificate-facts.ts';
import type { Clock } from '../../time/clock.ts';
import type { LoadedCertificate } from '../certificate.ts';
import type { CredentialEvents } from '../credential-events.ts';
import type { TokenServer } from './discovery.ts';

/** What is known about a token server between two requests. */
export interface ServerMemory {
  server?: TokenServer | undefined;
  /** Milliseconds by which the server's clock is ahead of ours. */
  skew: number;
}

/** What a token source is given. */
export interface TokenLent {
  /** The name under `credentials`. */
  readonly credential: string;
  readonly clock: Clock;
  readonly events: CredentialEvents;
  readonly memory: ServerMemory;
  /** PEM of the authorities to trust; undefined trusts the well-known ones. */
  readonly trust: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called with each certificate that a token server sends. */
  readonly peerCertificate?: ((name: string, certificate: CertificateFacts) => void) | undefined;
  /** A credential of kind certificate, as its files are now. */
  readonly certificate: (name: string) => Promise<LoadedCertificate>;
}
