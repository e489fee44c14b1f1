import { EngineError } from '../error/engine-error.ts';

export interface CredentialFault {
  /** What is wrong: begins lower case, no full stop. Never holds a secret. */
  readonly cause: string;
  /** What to do: a sentence without a full stop. */
  readonly remedy: string;
  readonly retryable?: boolean;
  /** Milliseconds the token server asked to wait. */
  readonly retryAfter?: number | undefined;
  /** Ids by which the other side finds the request in its log. */
  readonly detail?: string | undefined;
}

/**
 * A credential is missing, unusable or was refused. It never has a `cause`: what libraries throw
 * can hold the request with its secret, and a log or an inspection would show it.
 */
export class CredentialError extends EngineError {
  /** The name under `credentials`. */
  readonly credential: string;
  /** Milliseconds after which it is worth trying again, where the token server said so. */
  readonly retryAfter: number | undefined;

  constructor(
    code: 'CREDENTIAL_MISSING' | 'CREDENTIAL_REFUSED' | 'CREDENTIAL_UNAVAILABLE',
    credential: string,
    { cause, remedy, retryable = false, retryAfter, detail }: CredentialFault,
  ) {
    super(code, `credential ${credential}: ${cause}. ${remedy}.`, {
      retryable,
      ...(detail !== undefined && { detail }),
    });
    this.credential = credential;
    this.retryAfter = retryAfter;
  }
}
