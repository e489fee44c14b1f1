import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { lanes } from './test/lanes.ts';

const { all, fast, alone, longest } = lanes();

/** What a process compiled is kept for the next: the tests start hundreds of them. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

const first = new Set(longest.map((file) => join(import.meta.dirname, file)));
const isLong = ({ moduleId }: TestSpecification): boolean => first.has(moduleId);

/** What takes longest is begun first, so that no worker is left with it at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the method of Vitest, not that of arrays
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  resolve: {
    conditions: ['waybill-source'],
    // modules of a production that a test writes elsewhere, and a clone without a build
    alias: [
      { find: /^waybill$/, replacement: join(import.meta.dirname, 'src/index.ts') },
      { find: /^waybill\/mirth$/, replacement: join(import.meta.dirname, 'src/mirth/index.ts') },
    ],
  },
  ssr: { resolve: { conditions: ['waybill-source'] } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // most tests wait for somebody else most of the time: one more than the two processors that CI has
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // modules are read once for each worker, not for each file: half of the processor time of most files
    isolate: false,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: fast, setupFiles: ['test/setup.ts', 'test/setup-fast.ts'] },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, setupFiles: ['test/setup.ts'], isolate: true },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: all,
          exclude: [...fast, ...alone],
          setupFiles: ['test/setup.ts'],
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
        },
      },
    ],
  },
});
