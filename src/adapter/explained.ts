import { StepFailure } from './test-step.ts';

/** Runs what a step of a test does: the first sentence of our errors is the cause, the rest the remedy. */
export async function explained<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [cause = '', ...remedy] = error.message.split('. ');
    throw new StepFailure(cause, remedy.join('. ').replace(/\.$/, ''), { cause: error });
  }
}
