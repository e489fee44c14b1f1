import { globSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/**
 * `node bundle.ts <folder>`: makes of the thousand modules of the program, and of most packages that it
 * needs, a few dozen. What is an entry of it is loaded from there by `loader.mjs`; see program.ts.
 */
const [, , folder = ''] = process.argv;
const ROOT = join(import.meta.dirname, '../..');

/** What a process or a thread begins with, and what the modules of a production import. */
const ENTRIES = [
  'src/main.ts',
  'src/cli/check-worker.ts',
  'src/cli/rehearsal-worker.ts',
  'src/cli/watchdog-worker.ts',
  'src/plane/worker.ts',
  'src/index.ts',
  'src/adapter/index.ts',
  'src/peer/index.ts',
  ...globSync('src/peer/door/*.ts', { cwd: ROOT }),
  'src/document/index.ts',
  'src/mirth/index.ts',
  'test/support/console-program.ts',
  'test/support/inbound-process.ts',
];

/** What nearly every start reads. The others are read by Node where they stand: some have native code, or look for parts of their own. */
const PACKAGES =
  /^(?:@fastify|@marcbachmann|@nats-io)\/|^(?:acorn|commander|croner|csv-parse|diff|fastify|iconv-lite|jose|lru-cache|pino|prom-client|re2js|saxes|yaml)(?:\/|$)/;
const isApart = (name: string, importer = ''): boolean =>
  !importer.includes('/node_modules/') &&
  !/^(?:\.|\/|waybill(?:\/|$))/.test(name) &&
  !PACKAGES.test(name);

await using bundle = await rolldown({
  cwd: ROOT,
  input: Object.fromEntries(ENTRIES.map((file) => [file.replace(/\.ts$/, ''), file])),
  platform: 'node',
  resolve: { conditionNames: ['waybill-source'] },
  external: isApart,
  treeshake: false,
  plugins: [
    {
      name: 'where-it-stood',
      // a module finds its data and its threads beside its source
      transform(code, id) {
        if (id.includes('/node_modules/') || !code.includes('import.meta.')) return null;
        const place = { url: pathToFileURL(id).href, filename: id, dirname: dirname(id) };
        const named = code.replaceAll(/\bimport\.meta\.(url|filename|dirname)\b/g, (_, key) =>
          JSON.stringify(place[key as keyof typeof place]),
        );
        return { code: named, map: null };
      },
    },
  ],
});
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  sourcemapExcludeSources: true,
  entryFileNames: '[name].mjs',
  chunkFileNames: 'parts/[name]-[hash].mjs',
});

const entries = output.flatMap((part) =>
  part.type === 'chunk' && part.isEntry && part.facadeModuleId !== null
    ? [[pathToFileURL(part.facadeModuleId).href, `./${part.fileName}`]]
    : [],
);
writeFileSync(
  join(folder, 'loader.mjs'),
  `import { registerHooks } from 'node:module';
const entries = new Map(${JSON.stringify(entries, undefined, 2)});
registerHooks({
  load(url, context, next) {
    const part = entries.get(url);
    if (part === undefined) return next(url, context);
    const source = \`export * from '\${new URL(part, import.meta.url).href}';\`;
    return { format: 'module', source, shortCircuit: true };
  },
});
`,
);
