import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rolldown } from 'vite';
import type { ShellParts } from './src/shell/service-worker.ts';

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
const SEVERAL = 6;

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

const WORKER = 'service-worker';

/** Tells the service worker what its version is made of: it opens pages while the server is away. */
const workerOfVersion: Plugin = {
  name: 'waybill-worker',
  apply: 'build',
  writeBundle({ dir = '' }) {
    const page = readFileSync(join(dir, 'index.html'), 'utf8');
    const named = readdirSync(join(dir, 'assets')).filter((one) => /\.(?:js|css)$/.test(one));
    const files = [
      ...readdirSync(join(import.meta.dirname, 'public')),
      ...named.map((one) => `assets/${one}`),
    ];
    const entry = /assets\/shell-[^"]+\.js/.exec(page)?.[0];
    if (entry === undefined) throw new Error('index.html does not name the script of the shell');
    const routes = readFileSync(join(import.meta.dirname, 'src/router.tsx'), 'utf8');
    const pages = new Set(
      [...routes.matchAll(/ path: '\/([\w-]*)/g)].map(([, first = '']) => first),
    );
    const file = join(dir, `${WORKER}.js`);
    const script = readFileSync(file, 'utf8');
    const hash = createHash('sha256').update(page).update(script);
    for (const one of files) hash.update(one).update(readFileSync(join(dir, one)));
    const version = hash.digest('hex').slice(0, 16);
    // pages of other productions begin with `in`
    const shell: ShellParts = { version, files, entry, pages: [...pages, 'in'] };
    writeFileSync(file, `const SHELL=${JSON.stringify(shell)};${script}`);
  },
};

/** Static files for any prefix: every address is relative, nothing is inline, nothing comes from elsewhere. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), tailwind(), compressed, workerOfVersion],
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
      input: {
        index: join(import.meta.dirname, 'index.html'),
        [WORKER]: join(import.meta.dirname, 'src/shell/service-worker.ts'),
      },
      output: {
        // it serves what is below it
        entryFileNames: ({ name }) => (name === WORKER ? '[name].js' : 'assets/[name]-[hash].js'),
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
