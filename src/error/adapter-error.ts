import { EngineError, type ErrorDetail } from './engine-error.ts';

/** The peer may accept the message later: busy, overloaded, timed out. Retried by the operation's policy. */
export class TemporaryError extends EngineError {
  /** Milliseconds the peer asked to wait; overrides the policy's next delay. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    { retryAfter, ...detail }: ErrorDetail & { readonly retryAfter?: number } = {},
  ) {
    super('ADAPTER_TEMPORARY', message, { ...detail, retryable: true });
    this.retryAfter = retryAfter;
  }
}

/** The connection is gone. The engine closes the adapter, opens it again and retries; it does not count as an attempt. */
export class NotConnectedError extends EngineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('ADAPTER_NOT_CONNECTED', message, { ...detail, retryable: true });
  }
}

/** The peer understood the message and refused it permanently. The message fails at once. */
export class RejectedError extends EngineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('ADAPTER_REJECTED', message, detail);
  }
}

/** The message is kept for a person to edit, resend or discard; the queue continues. */
export class SuspendError extends EngineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('ADAPTER_SUSPEND', message, detail);
  }
}

/** The message goes back to the head of its queue and the operation stops until a person starts it. */
export class DisableError extends EngineError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super('ADAPTER_DISABLED', message, detail);
  }
}

/** A production or a settings block is wrong; contains every problem with its place. Thrown before anything starts. */
export class ConfigError extends EngineError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('CONFIG_INVALID', problems.join('\n'));
    this.problems = problems;
  }
}
