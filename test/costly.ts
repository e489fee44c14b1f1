import type { Reporter, TestModule } from 'vitest/node';

declare module 'vitest' {
  interface TaskMeta {
    /** Seconds of a test file, of its worker and of what that started; see test/setup.ts. */
    processorTime?: number;
  }
}

/** Seconds of processor time that a test file may take without being named. */
const MUCH = 10;

/** Says at the end what the tests cost, and names the files that cost most: the suite grows by its dearest files. */
export class Costly implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const costs = modules.map((module) => ({
      file: module.relativeModuleId,
      cost: module.meta().processorTime ?? 0,
    }));
    const sum = costs.reduce((all, { cost }) => all + cost, 0);
    const most = costs
      .filter(({ cost }) => cost > MUCH)
      .toSorted((one, other) => other.cost - one.cost)
      .map(({ file, cost }) => `\n  ${cost.toFixed(0)} s ${file}`);
    const named = most.length === 0 ? '' : `; more than ${MUCH} s each:${most.join('')}`;
    process.stdout.write(`processor time: ${sum.toFixed(0)} s${named}\n`);
  }
}
