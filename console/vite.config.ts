import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

/** With the page that is seen first, the dashboard. */
const ENTRY = 'console/src/main.tsx';

/** Whether one that is looked for is reached from a module by whoever imports it, without a dynamic import. */
function isUsedBy(
  id: string,
  isMeant: (importer: string) => boolean,
  context: Rolldown.ChunkingContext,
  seen: Set<string> = new Set(),
): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const { importers = [] } = context.getModuleInfo(id) ?? {};
  return importers.some((one) => isMeant(one) || isUsedBy(one, isMeant, context, seen));
}

const ICON = /node_modules\/lucide-react\//;

/** How many parts share a module before it is loaded with the first page: each request costs a kilobyte of headers. */
const SEVERAL = 5;

const isSeveral = (id: string, context: Rolldown.ChunkingContext): boolean =>
  id.includes('console/src/') &&
  !id.includes('/language/de/') &&
  (context.getModuleInfo(id)?.importers.length ?? 0) >= SEVERAL;

/** Whether a module is loaded with every page: the entry needs it, several parts do, or what these need. */
function isShared(id: string, context: Rolldown.ChunkingContext): boolean {
  const isLoaded = (one: string): boolean => one.endsWith(ENTRY) || isSeveral(one, context);
  return ICON.test(id) || isLoaded(id) || isUsedBy(id, isLoaded, context);
}

/** Below this many bytes a file is not worth two more beside it. */
const SMALL = 1_000;

/** Writes each script and style also as `.br` and `.gz`, which the operator plane sends to who takes them. */
const compressed: Plugin = {
  name: 'waybill-compressed',
  apply: 'build',
  writeBundle({ dir = '' }) {
    const assets = join(dir, 'assets');
    for (const name of readdirSync(assets).filter((one) => /\.(?:js|css|svg)$/.test(one))) {
      const file = join(assets, name);
      const bytes = readFileSync(file);
      if (bytes.byteLength < SMALL) continue;
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength };
      writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
      writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
};

/** Static files for any prefix: every address is relative, nothing is inline, nothing comes from elsewhere. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), tailwind(), compressed],
  build: {
    outDir: join(import.meta.dirname, '../dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // a build says what it weighs; the limits are checked by a test
    reportCompressedSize: false,
    manifest: true,
    // what every page needs is one file: it packs better than many, and each request costs
    rolldownOptions: {
      preserveEntrySignatures: false,
      output: {
        codeSplitting: {
          groups: [
            {
              name: (id, context) => (isShared(id, context) ? 'shell' : null),
              debugName: 'shell',
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
