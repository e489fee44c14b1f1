import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    conditions: ['waybill-source'],
    // modules of a production that a test writes elsewhere, and a clone without a build
    alias: [{ find: /^waybill$/, replacement: join(import.meta.dirname, 'src/index.ts') }],
  },
  ssr: { resolve: { conditions: ['waybill-source'] } },
  test: {
    setupFiles: ['test/setup.ts'],
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
