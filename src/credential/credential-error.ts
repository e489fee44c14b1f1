import { EngineError } from '../error/engine-error.ts';

export interface CredentialFault {
  /** What is wrong: begins in lower case, no full stop. Never contains a secret. */
  readonly cause: string;
  /** What to do: a sentence without a full stop. */
  readonly remedy: string;
  readonly retryable?: boolean;
  /** Milliseconds the token server asked to wait. */
  readonly retryAfter?: number | undefined;
  /** Ids that let the other side find the request in its log. */
  readonly detail?: string | undefined;
}

/**
 * A credential is missing, unusable or was refused. It never has a `cause`: errors of libraries can
 * contain the request with its secret, and a log or an inspection would show it.
 */
export class CredentialError extends EngineError {
  /** The name under `credentials`. */
  readonly credential: string;
  /** Milliseconds after which a retry makes sense, if the token server said so. */
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
