import { type RunnerTestSuite, TestRunner } from 'vitest';
import { isCounterexample } from './tried-again.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Of a test file: what was said of the suites that began only when that was tried again. */
    begunAgain?: readonly string[];
  }
}

const isLast = (error: Error): boolean =>
  error.name === 'HookTimeoutError' || isCounterexample(error);

const suitesIn = (suite: RunnerTestSuite): RunnerTestSuite[] => [
  suite,
  ...suite.tasks.flatMap((task) => (task.type === 'suite' ? suitesIn(task) : [])),
];

/**
 * Tries each `beforeAll` of a file once more where it fails, which Vitest does with tests only: a server that did not come
 * up would take all its tests with it. Not where it took its whole time, since what it began is still at work, nor after a
 * counterexample.
 */
export function begunAgain(file: RunnerTestSuite): void {
  for (const suite of suitesIn(file)) {
    const { beforeAll: hooks } = TestRunner.getSuiteHooks(suite);
    for (const [at, hook] of hooks.entries()) {
      const twice: typeof hook = async (...given) => {
        try {
          return await hook(...given);
        } catch (error) {
          if (!(error instanceof Error) || isLast(error)) throw error;
          const name = suite === file ? '' : `${suite.name}, `;
          file.meta.begunAgain = [
            ...(file.meta.begunAgain ?? []),
            `${name}beforeAll: ${error.stack ?? error.message}`,
          ];
          return await hook(...given);
        }
      };
      hooks[at] = Object.assign(twice, hook);
    }
  }
}
