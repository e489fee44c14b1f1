import { statSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A module of a production as last imported. */
interface Module {
  readonly url: string;
  /** The state of the file at that time. */
  readonly stamp: string;
  /** The files it imports, each with the URL it was imported by. */
  readonly imports: Map<string, string>;
}

const modules = new Map<string, Module>();
const files = new Map<string, string>();
let count = 0;

/**
 * Where to import a module of a production from. Node caches imports by URL, so a module gets a new
 * URL once its file or that of any module it imports, directly or not, has changed; an unchanged
 * one keeps its URL and is shared by all who import it. Throws the system's error for a missing
 * file.
 */
export function urlOf(file: string): string {
  const before = modules.get(file);
  if (before !== undefined && isFresh(file, before, new Set())) return before.url;
  // A whole number: loaders that look at the end of a URL would take a fraction for the file
  // extension.
  const url = `${pathToFileURL(file).href}?changed=${++count}`;
  modules.set(file, { url, stamp: stampOf(file), imports: new Map() });
  files.set(url, file);
  return url;
}

/** Where a module imports another of the production's modules from, as it is now. */
export function importedBy(parent: string, url: string): string {
  const from = files.get(parent);
  if (from === undefined || !url.startsWith('file:')) return url;
  const file = fileURLToPath(url.replace(/[?#].*$/, ''));
  if (relative(dirname(from), file).split(sep).includes('node_modules')) return url;
  const linked = urlOf(file);
  const module = modules.get(from);
  if (module?.url === parent) module.imports.set(file, linked);
  return linked;
}

/** The files that a module imports, and those they import. */
export function importsOf(file: string, found: Set<string> = new Set()): ReadonlySet<string> {
  for (const one of modules.get(file)?.imports.keys() ?? []) {
    if (found.has(one)) continue;
    found.add(one);
    importsOf(one, found);
  }
  return found;
}

/** Called when a module could not be imported: Node would repeat that for ever, so the next try gets new URLs. */
export function forget(file: string): void {
  for (const one of [file, ...importsOf(file)]) modules.delete(one);
}

function isFresh(file: string, { stamp, imports }: Module, seen: Set<string>): boolean {
  if (seen.has(file)) return true;
  seen.add(file);
  if (stampOf(file) !== stamp) return false;
  return [...imports].every(([imported, url]) => {
    const module = modules.get(imported);
    return module?.url === url && isFresh(imported, module, seen);
  });
}

/** Tells one state of a file from another; empty if it is gone. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.mtimeMs} ${found.size} ${found.ino}`;
}
