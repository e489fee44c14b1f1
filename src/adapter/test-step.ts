import { isEngineError } from '../error/engine-error.ts';

/** One step of a connection test, in the order it was made. */
export interface TestStep {
  /** `name`, `TCP`, `TLS`, `banner`, `sign-in`, `permission`, `path`: a word for the step. */
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** What was seen: an address, a certificate's subject and expiry, the mechanisms offered. */
  readonly detail?: string | undefined;
  /** Why it failed, in words a support desk understands. */
  readonly cause?: string | undefined;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** Milliseconds. */
  readonly took: number;
}

/** Thrown inside a step: names the cause and the remedy. Any other error is described by its code. */
export class StepFailure extends Error {
  readonly remedy: string | undefined;

  constructor(cause: string, remedy?: string, options?: ErrorOptions) {
    super(cause, options);
    this.name = 'StepFailure';
    this.remedy = remedy;
  }
}

/**
 * An error of the engine as the failure of a step: its texts are "What is wrong. What to do.", of
 * which the first sentence is the cause. Anything else is given back as it is.
 */
export function stepFailure(error: unknown): unknown {
  if (!isEngineError(error)) return error;
  const [, cause = error.message, remedy] =
    /^(?:Not connected: )?(.*?[^.\s])\. (\S.*)$/s.exec(error.message) ?? [];
  return new StepFailure(cause, remedy ?? 'Look into the log of the peer', { cause: error });
}

/** A token server may drop a scope without a word; the peer's refusal would be all there is to see. */
export function notGranted(scopes: readonly string[]): StepFailure {
  const named = scopes
    .map((one) => one.replaceAll(/\p{Cc}/gu, '?'))
    .join(' ')
    .slice(0, 200);
  return new StepFailure(
    `the token server did not grant what was asked for: ${named}`,
    'Have it granted to this client at the token server, or take it out of the scope of the credential',
  );
}

/** Says what a step has seen. `untried`: what it is about could not be looked at, so that it has neither passed nor failed. */
export type StepDetail = (text: string, untried?: 'untried') => void;

/** Runs one step of a test and records it. A failed step throws, which ends the test. */
export type Step = <Value>(
  name: string,
  run: (detail: StepDetail) => Promise<Value> | Value,
) => Promise<Value>;
