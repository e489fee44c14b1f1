import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { registerModuleHooks } from './module-hooks.ts';

/** Why something could not be had, and what to do. */
export interface Fault {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Imports a module of a production for its default export. The time of its last change is part of
 * the URL: Node keeps what it imported, and a changed file must be seen by `apply` and `--watch`.
 */
export async function loadModule(
  file: string,
): Promise<{ readonly exported: unknown } | { readonly fault: Fault }> {
  registerModuleHooks();
  try {
    const { mtimeMs } = await stat(file);
    // A whole number: loaders that look at the end of a URL would take a fraction for the file's ending.
    const url = `${pathToFileURL(file).href}?changed=${Math.round(mtimeMs * 1_000)}`;
    const module = (await import(url)) as { readonly default?: unknown };
    return { exported: module.default };
  } catch (error) {
    return { fault: describeFault(error, file) };
  }
}

function describeFault(error: unknown, file: string): Fault {
  const thrown: NodeJS.ErrnoException =
    error instanceof Error ? error : new Error('it threw something that is no error');
  const { code, message } = thrown;
  if (code === 'ENOENT') {
    const remedy = `Paths count from the production's folder: this is ${file}.`;
    return { what: 'there is no such file', remedy };
  }
  const [line = ''] = message.split('\n');
  return {
    what: `the module cannot be loaded: ${line.replace(/\.$/, '')}`,
    remedy: 'Run the file with node to see where it fails.',
  };
}
