import { EngineError } from '../../error/engine-error.ts';

/** A request that is answered with an HTTP error, as a problem document (RFC 9457). */
export class Refusal extends EngineError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The faults of the body, place by place. */
  readonly errors: readonly { readonly at: string; readonly problem: string }[] | undefined;
  /** For operators: who was refused and why. Undefined if it only concerns the caller. */
  readonly told: string | undefined;

  constructor(
    status: number,
    detail: string,
    {
      headers = {},
      errors,
      told,
    }: {
      readonly headers?: Refusal['headers'];
      readonly errors?: Refusal['errors'];
      readonly told?: string | undefined;
    } = {},
  ) {
    super(codeOf(status), detail, { retryable: status === 503 });
    this.status = status;
    this.headers = headers;
    this.errors = errors;
    this.told = told;
  }
}

function codeOf(status: number): EngineError['code'] {
  if (status === 401 || status === 403) return 'CREDENTIAL_REFUSED';
  if (status === 413) return 'MESSAGE_TOO_LARGE';
  return status >= 500 ? 'QUEUE_UNAVAILABLE' : 'MESSAGE_INVALID';
}

const RETRY_AFTER = '5';

/** What a caller is told about an error of the engine: never its text, which is for operators. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!(error instanceof EngineError)) return new Refusal(500, 'The message was not stored.');
  if (error.code === 'MESSAGE_TOO_LARGE') return new Refusal(413, 'The message is too large.');
  if (error.code === 'MESSAGE_INVALID') return new Refusal(422, 'The message is not valid.');
  if (error.code.startsWith('CREDENTIAL_')) {
    return new Refusal(503, 'The sign-in cannot be checked now. Try again.', {
      headers: { 'retry-after': RETRY_AFTER },
      // It names the check and the cause, and never contains a secret or a token.
      told: `its sign-in could not be checked: ${error.message.replace(/\.$/, '')}`,
    });
  }
  return error.retryable
    ? new Refusal(503, 'The message could not be stored now. Send it again.', {
        headers: { 'retry-after': RETRY_AFTER },
      })
    : new Refusal(500, 'The message was not stored.');
}
