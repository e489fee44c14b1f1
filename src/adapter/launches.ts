import type { TokenCredential } from './credential.ts';

/**
 * People whom EHRs launched (SMART on FHIR) through a service, for operations that ask an EHR as the one who sent a message. The
 * service that took the launch knows how their tokens are renewed.
 */
export interface Launches {
  /** Undefined for a launch that is over. */
  find(id: string): Promise<Launched | undefined>;
}

/** One launch that is not over. */
export interface Launched {
  /** The base address of the EHR's FHIR server, without a slash at its end. */
  readonly fhir: string;
  /** The scopes that the EHR granted, with blanks between them. */
  readonly granted: string | undefined;
  /**
   * `token` throws CREDENTIAL_REFUSED once the launch is over, a DisableError if the EHR does not accept the app itself (where
   * there are others, a SuspendError), and what is worth a retry while the EHR is away.
   */
  readonly credential: TokenCredential;
}

/** The services of one engine that take launches, by the realm of their sign-in. */
export interface LentLaunches {
  /** Until the returned function is called. */
  lend(realm: string, launches: Launches): () => void;
  /** Undefined while no service of the realm runs at this engine. */
  of(realm: string): Launches | undefined;
}
