import { isEngineError } from '../error/engine-error.ts';

/** One step of a connection test; steps are in the order in which they were made. */
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

/** Thrown inside a step to name the cause and the remedy. Any other error is described by its code. */
export class StepFailure extends Error {
  readonly remedy: string | undefined;

  constructor(cause: string, remedy?: string, options?: ErrorOptions) {
    super(cause, options);
    this.name = 'StepFailure';
    this.remedy = remedy;
  }
}

/**
 * Turns an error of the engine into the failure of a step: its texts are "What is wrong. What to
 * do.", where the first sentence is the cause. Anything else is returned unchanged.
 */
export function stepFailure(error: unknown): unknown {
  if (!isEngineError(error)) return error;
  const [, cause = error.message, remedy] =
    /^(?:Not connected: )?(.*?[^.\s])\. (\S.*)$/s.exec(error.message) ?? [];
  return new StepFailure(cause, remedy ?? 'Look at the log of the peer', { cause: error });
}

/** What it throws names cause and remedy of a step. */
export async function toldInStep<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}

/** A token server may silently drop a scope; the peer's refusal would then be the only sign. */
export function notGranted(scopes: readonly string[]): StepFailure {
  const named = scopes
    .map((one) => one.replaceAll(/\p{Cc}/gu, '?'))
    .join(' ')
    .slice(0, 200);
  return new StepFailure(
    `the token server did not grant what was asked for: ${named}`,
    'Have it granted to this client at the token server, or remove it from the scope of the credential',
  );
}

/** Says what a step has seen. `untried`: its subject could not be examined, so it has neither passed nor failed. */
export type StepDetail = (text: string, untried?: 'untried') => void;

/** Runs one step of a test and records it. A failed step throws, which ends the test. */
export type Step = <Value>(
  name: string,
  run: (detail: StepDetail) => Promise<Value> | Value,
) => Promise<Value>;
