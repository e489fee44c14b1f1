import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { RunnerTestCase } from 'vitest';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/**
 * Twice more, for what waits for others or for the time: on a busy machine one of thousands comes too late. Never after a
 * counterexample of fast-check, which is found again only by its seed.
 */
export const TRIED_AGAIN = { count: 2, condition: /^(?!Property failed after)/ } as const;

/** Whether fast-check says that a property does not hold for all, in its own words. */
export const isCounterexample = ({ message }: { readonly message: string }): boolean =>
  !TRIED_AGAIN.condition.test(message);

/**
 * Of a test that failed: not tried again where a counterexample is among its errors. Vitest asks the condition above about
 * the last error alone, which may be that of an `afterEach` to which the counterexample left something.
 */
export function countedOnce(test: RunnerTestCase): void {
  if (test.result?.errors?.some(isCounterexample) === true)
    test.retry = { count: 0, condition: /(?!)/ };
}

/** Lines of what a test said first. */
const MOST = 40;

type Said = NonNullable<ReturnType<TestCase['result']>['errors']>[number];

/**
 * Tells at the end of the tests, and of what begins suites, that passed only when they were tried again what they said
 * before: a line each, and below it the rest, the difference and the place, so that the log of a machine that is gone is
 * enough to mend it.
 */
export class TriedAgain implements Reporter {
  #root = '';

  onInit({ config }: Vitest): void {
    this.#root = config.root;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      const { relativeModuleId: file, children } = module;
      for (const said of module.meta().begunAgain ?? []) tell(file, said.split(/\n\s*/));
      for (const test of children.allTests()) {
        if (test.diagnostic()?.flaky !== true) continue;
        const [line = '', ...rest] = this.#lines(test.result().errors?.[0]);
        tell(file, [`${test.fullName}: ${line}`, ...rest]);
      }
    }
  }

  #lines({ message = '', diff = '', stacks = [] }: Partial<Said> = {}): string[] {
    const text = diff === '' ? message : `${message}\n${diff}`;
    const lines = stripVTControlCharacters(text)
      .split('\n')
      .filter((line) => line !== '');
    const places = stacks
      .slice(0, 3)
      .map(({ file, line, column }) => `at ${relative(this.#root, file)}:${line}:${column}`);
    const left = lines.length > MOST ? [`… ${lines.length - MOST} lines`] : [];
    return [...lines.slice(0, MOST), ...left, ...places];
  }
}

function tell(file: string, [first, ...rest]: readonly string[]): void {
  process.stdout.write(`flaky: ${file} > ${first}\n${rest.map((line) => `  ${line}\n`).join('')}`);
}
