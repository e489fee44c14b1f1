import { stat } from 'node:fs/promises';
import { forget, urlOf } from './module-graph.ts';
import { registerModuleHooks } from './module-hooks.ts';

/** Why something could not be had, and what to do. */
export interface Fault {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Imports a module of a production for its default export, as its file and those that it imports are now:
 * what changed must be seen by `apply` and `--watch`.
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
