import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** The modules with which one starts a process or a server, or speaks to one; the last two are the product's own. */
const OUTSIDE =
  /^node:(child_process|net|tls|https?|http2|worker_threads)$|^(undici|ssh2.*|playwright-core|fastify|smtp-server)$|\/(run-production|operator-plane)\.ts$/;

/** What is imported when the module runs; of types alone is nothing left then. */
const IMPORT = /(?:^|\n)(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/g;

/** The folders whose files set a test up. */
const SET_UP = /^(test|sandbox)\//;

/**
 * The test files that start nothing: neither they, nor a file of `test/` or `sandbox/` that they reach by imports,
 * nor a file of the product that one of these imports by its name, imports one of the modules above.
 */
export const fastTests = (): string[] =>
  globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) => !startsSomething(file));

function startsSomething(test: string): boolean {
  const reached = new Set([test]);
  for (const file of reached) {
    const imported = importsOf(file);
    if (imported.some((name) => OUTSIDE.test(name))) return true;
    if (!SET_UP.test(file)) continue;
    for (const name of imported) {
      if (!name.startsWith('.')) continue;
      const path = relative(ROOT, join(ROOT, dirname(file), name));
      if (path.endsWith('.ts') && existsSync(join(ROOT, path))) reached.add(path);
    }
  }
  return false;
}

const known = new Map<string, readonly string[]>();

/** The modules that a file imports, as it names them. */
function importsOf(file: string): readonly string[] {
  const text = () => readFileSync(join(ROOT, file), 'utf8');
  const imports = known.get(file) ?? [...text().matchAll(IMPORT)].map(([, name = '']) => name);
  known.set(file, imports);
  return imports;
}
