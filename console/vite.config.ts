import { join } from 'node:path';
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Rolldown } from 'vite';

const ENTRY = 'console/src/main.tsx';

/** Whether the first page needs a module: the entry is reached from it without a dynamic import. */
function isInitial(
  id: string,
  context: Rolldown.ChunkingContext,
  seen: Set<string> = new Set(),
): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const { importers = [] } = context.getModuleInfo(id) ?? {};
  return importers.some((one) => one.endsWith(ENTRY) || isInitial(one, context, seen));
}

/** Static files for any prefix: every address is relative, nothing is inline, nothing comes from elsewhere. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), tailwind()],
  build: {
    outDir: join(import.meta.dirname, '../dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // a build says what it weighs; the limits are checked by a test
    reportCompressedSize: false,
    manifest: true,
    // what the first page needs in any case is few files: they pack better than many small ones
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|@tanstack\/(react-router|router-core|history|react-store|store|react-query|query-core))\//,
            },
            {
              name: (id, context) => (isInitial(id, context) ? 'shell' : null),
              debugName: 'shell',
              test: /console\/src\//,
              includeDependenciesRecursively: false,
            },
          ],
        },
      },
    },
  },
  // `npx vite --config console/vite.config.ts` beside a running production
  server: { proxy: { '/api': process.env['WAYBILL_API'] ?? 'http://127.0.0.1:8080' } },
});
