import { describeError } from '../error/engine-error.ts';
import { type StepDetail, StepFailure, type TestStep } from './test-step.ts';

/** Runs one step of a test and records how it ended. Rethrows what it threw, which ends the test. */
export async function runStep<Value>(
  name: string,
  run: (detail: StepDetail) => Promise<Value> | Value,
  record: (step: TestStep) => void,
): Promise<Value> {
  const began = performance.now();
  const details: string[] = [];
  let result: TestStep['result'] = 'passed';
  const detail = (): string | undefined => (details.length === 0 ? undefined : details.join('; '));
  const took = (): number => Math.round(performance.now() - began);
  try {
    const value = await run((text, untried) => {
      details.push(text);
      if (untried !== undefined) result = 'skipped';
    });
    record({ name, result, detail: detail(), took: took() });
    return value;
  } catch (error) {
    const failure = error instanceof StepFailure ? error : undefined;
    record({
      name,
      result: 'failed',
      detail: detail(),
      cause: failure?.message ?? describeError(error).text,
      remedy: failure?.remedy,
      took: took(),
    });
    throw error;
  }
}
