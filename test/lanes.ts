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
 * The test files by how they may run. `fast` start nothing: neither they, nor a file of `test/` or `sandbox/` that they
 * reach by imports, nor a file of the product that one of these names in an import, imports one of the modules above.
 * `alone` measure the memory of their own process. `longest` have a whole engine or a browser: they are begun first.
 */
export function lanes(): Readonly<Record<'all' | 'fast' | 'alone' | 'longest', string[]>> {
  const all = globSync('test/**/*.test.ts', { cwd: ROOT });
  return {
    all,
    fast: all.filter((file) => !startsSomething(file)),
    alone: all.filter((file) => /\bmemoryUsage\b/.test(textOf(file))),
    longest: all.filter((file) => /^test\/(scenario|browser)\//.test(file)),
  };
}

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
  const imports =
    known.get(file) ?? [...textOf(file).matchAll(IMPORT)].map(([, name = '']) => name);
  known.set(file, imports);
  return imports;
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
