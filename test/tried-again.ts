import type { Reporter, TestModule } from 'vitest/node';

/**
 * Once more, for tests that wait for browsers and servers: on a busy machine one of thousands comes too late. Never
 * after a counterexample of fast-check, which is found again only by its seed.
 */
export const TRIED_AGAIN = { count: 1, condition: /^(?!Property failed after)/ } as const;

/** Names at the end, a line each, the tests that passed only when they were tried again, with what they said before. */
export class TriedAgain implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const { relativeModuleId, children } of modules) {
      for (const test of children.allTests()) {
        if (test.diagnostic()?.flaky !== true) continue;
        const [line = ''] = test.result().errors?.[0]?.message.split('\n') ?? [];
        process.stdout.write(`flaky: ${relativeModuleId} > ${test.fullName}: ${line}\n`);
      }
    }
  }
}
