import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { placeInCode } from '../error/place-in-code.ts';
import { forget, importedBy, urlOf } from './module-graph.ts';

/** Why a module could not be loaded, and what to do. */
export interface Fault {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Imports a module of a production for its default export, from its file and those it imports as
 * they are now: `apply` and `--watch` must see changes.
 */
export async function loadModule(
  file: string,
): Promise<{ readonly exported: unknown } | { readonly fault: Fault }> {
  registerModuleHooks();
  try {
    await stat(file);
    const module = (await import(urlOf(file))) as { readonly default?: unknown };
    return { exported: module.default };
  } catch (error) {
    forget(file);
    return { fault: describeFault(error, file) };
  }
}

function describeFault(error: unknown, file: string): Fault {
  const thrown: NodeJS.ErrnoException =
    error instanceof Error ? error : new Error('it threw something that is not an error');
  const { code, message } = thrown;
  if (code === 'ENOENT') {
    const remedy = `Paths are relative to the production's folder: this is ${file}.`;
    return { what: 'there is no such file', remedy };
  }
  const [line = ''] = message.split('\n');
  const text = line.replace(/\.$/, '');
  const place = syntaxPlace(thrown) ?? placeInCode(thrown);
  const where = place === undefined ? '' : ` (${place})`;
  const remedy = text.startsWith('to be done by a person')
    ? 'Do it there, then take this mark away.'
    : 'Correct it there.';
  return {
    what: `the module cannot be loaded: ${text}${where}`,
    remedy: place === undefined ? 'Run the file with node to see where it fails.' : remedy,
  };
}

/** What Node writes above the stack of what is no TypeScript or JavaScript: file, with its folders, and line. */
function syntaxPlace({ stack = '' }: Error): string | undefined {
  const [, file, line] =
    /^(?:file:\/\/)?(?:[A-Za-z]:)?[/\\][^\n]*?([^/\\\n?]+)(?:\?[^\n:]*)?:(\d+)\n/.exec(stack) ?? [];
  return file === undefined ? undefined : `${file}:${line ?? ''}`;
}

/** What a production's modules may import from Waybill, wherever the production is. */
const OWN: Readonly<Record<string, string>> = {
  waybill: '../index',
  'waybill/adapter': '../adapter/index',
  'waybill/peer': '../peer/index',
  'waybill/document': '../document/index',
  'waybill/mirth': '../mirth/index',
};

/** `waybill/peer/tcp`: a part of `waybill/peer`, for who does not want the libraries of all of it. */
const PART_OF_PEER = /^waybill\/peer\/([a-z-]+)$/;

function ownModule(specifier: string): string | undefined {
  const [, part] = PART_OF_PEER.exec(specifier) ?? [];
  return part === undefined ? OWN[specifier] : `../peer/door/${part}`;
}

/** `.ts` in a clone, `.js` in the package. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

let registered = false;

let tellOfCode = (): void => undefined;

/** What is called before the first module of a production runs in this thread: its code may change anything there. */
export function beforeCode(tell: () => void): void {
  tellOfCode = tell;
}

/**
 * Lets modules of a production import `waybill` although no package is installed next to them, and
 * be written in TypeScript wherever they are: Node itself does not strip types under node_modules
 * (where the examples of the installed package are), and takes a file for CommonJS unless a
 * package.json says `type: module`.
 */
function registerModuleHooks(): void {
  if (registered) return;
  registered = true;
  tellOfCode();
  registerHooks({
    resolve(specifier, context, next) {
      const own = ownModule(specifier);
      if (own === undefined) {
        const resolved = next(specifier, context);
        const { parentURL, conditions } = context;
        if (parentURL === undefined || !conditions.includes('import')) return resolved;
        return { ...resolved, url: importedBy(parentURL, resolved.url) };
      }
      return { url: new URL(own + extension, import.meta.url).href, shortCircuit: true };
    },
    load(url, context, next) {
      const plain = withoutQuery(url);
      if (!plain.startsWith('file:') || !plain.endsWith('.ts')) return next(url, context);
      // Node strips types itself, but not under node_modules
      if (!plain.includes('/node_modules/')) {
        return next(url, { ...context, format: 'module-typescript' });
      }
      const source = strippedQuietly(readFileSync(fileURLToPath(plain), 'utf8'));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

const withoutQuery = (url: string): string => url.replace(/\?.*$/, '');

/** `stripTypeScriptTypes` warns that it may change; that is our concern, not that of whoever runs a production. */
function strippedQuietly(source: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
