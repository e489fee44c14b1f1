import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { importedBy } from './module-graph.ts';

/** What a production's modules may import of Waybill, wherever the production lies. */
const OWN: Readonly<Record<string, string>> = {
  waybill: '../index',
  'waybill/adapter': '../adapter/index',
  'waybill/peer': '../peer/index',
  'waybill/document': '../document/index',
};

/** `.ts` in a clone, `.js` in the package. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

let registered = false;

/**
 * Lets modules of a production import `waybill` although no package is installed beside them, and be
 * written in TypeScript wherever they lie: Node itself strips no types under node_modules (where the
 * examples of the installed package are), and takes a file for CommonJS unless a package.json says
 * `type: module`.
 */
export function registerModuleHooks(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const own = OWN[specifier];
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

/** `stripTypeScriptTypes` warns that it may change; that is for us to know, not for who runs a production. */
function strippedQuietly(source: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
