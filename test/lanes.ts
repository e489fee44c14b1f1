import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** The modules with which one starts a process or a server, or speaks to one; the last three are the product's own. */
const OUTSIDE =
  /^node:(child_process|net|tls|https?|http2|worker_threads)$|^(undici|ssh2.*|playwright-core|fastify|smtp-server)$|\/(run-production|operator-plane|node-http)\.ts$/;

/** What is imported when the module runs; of types alone is nothing left then. */
const IMPORT = /(?:^|\n)(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/g;

/** About what a disk keeps. */
const ON_DISK =
  /\/(crash|killed-twice|power-loss|nothing-lost|lost-delivery|under-faults)\.test\.ts$/;

/** Cut off, or killed, what must go on with the next message: nothing is lost, nothing out of order. */
const LOSSLESS =
  /\/(line-feed|take-over-line)\.test\.ts$|\/(tcp|mllp|astm|http|fhir|soap)\/cuts\.test\.ts$/;

/** The folders whose files set a test up. */
const SET_UP = /^(test|sandbox)\//;

/**
 * In the order in which they are run: `fast` by itself, since it has fewer workers; of the others what takes longest is
 * begun first, so that no worker is left with it at the end.
 */
export const LANES = ['fast', 'lossless', 'servers', 'alone'] as const;
export type Lane = (typeof LANES)[number];

/**
 * The test files by how they may run, each once. `fast` start nothing: neither they, nor a file of `test/` or `sandbox/`
 * that they reach by imports, nor a file of the product that one of these names in an import, imports one of the modules
 * above. `alone` measure the memory of their own process. `lossless` kill, cut off and fail what may lose a message: what
 * one of these finds is never put down to a busy machine; they share the workers of `servers`, since a start of one and
 * its modules cost seconds, and `setup.ts` sets for each file what differs.
 */
export function lanes(): Readonly<Record<Lane, readonly string[]>> {
  const all = Object.groupBy(globSync('test/**/*.test.ts', { cwd: ROOT }), laneOf);
  const { lossless = [], servers = [], alone = [], fast = [] } = all;
  return { lossless, servers, alone, fast };
}

/** @param file from the root of the repository */
export function laneOf(file: string): Lane {
  if (/\bmemoryUsage\b/.test(textOf(file))) return 'alone';
  if (!startsSomething(file)) return 'fast';
  return LOSSLESS.test(file) || isOnDisk(file) ? 'lossless' : 'servers';
}

/** Whether its temporary files lie on a disk. @param file from the root of the repository */
export const isOnDisk = (file: string): boolean => ON_DISK.test(file);

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
