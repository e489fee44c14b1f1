import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { fastTests } from './test/lanes.ts';

const fast = fastTests();

export default defineConfig({
  resolve: {
    conditions: ['waybill-source'],
    // modules of a production that a test writes elsewhere, and a clone without a build
    alias: [{ find: /^waybill$/, replacement: join(import.meta.dirname, 'src/index.ts') }],
  },
  ssr: { resolve: { conditions: ['waybill-source'] } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: fast,
          setupFiles: ['test/setup.ts', 'test/setup-fast.ts'],
          // nothing is left running between two files, and the modules are read once
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: fast,
          setupFiles: ['test/setup.ts'],
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
        },
      },
    ],
  },
});
