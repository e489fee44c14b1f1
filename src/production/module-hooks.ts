import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What a production's modules may import of Waybill, wherever the production lies. */
const OWN = ['waybill', 'waybill/adapter', 'waybill/document'];

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
  // resolved before the hooks are there: they would be asked again
  const own = new Map(OWN.map((name) => [name, import.meta.resolve(name)]));
  registerHooks({
    resolve(specifier, context, next) {
      const url = own.get(specifier);
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
    load(url, context, next) {
      if (!needsStripping(url, context.format)) return next(url, context);
      const source = stripTypeScriptTypes(readFileSync(fileURLToPath(withoutQuery(url)), 'utf8'));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

const withoutQuery = (url: string): string => url.replace(/\?.*$/, '');

/** Node strips types itself in a package of type module outside node_modules, as in a clone. */
function needsStripping(url: string, format: string | null | undefined): boolean {
  const plain = withoutQuery(url);
  if (!plain.startsWith('file:') || !plain.endsWith('.ts')) return false;
  return format !== 'module-typescript' || plain.includes('/node_modules/');
}
