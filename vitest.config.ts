import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['waybill-source'] },
  ssr: { resolve: { conditions: ['waybill-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
