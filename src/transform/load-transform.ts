import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../error/adapter-error.ts';
import { moduleTransform } from './module-transform.ts';
import type { Transform } from './transform.ts';

/**
 * Loads a transform in TypeScript or JavaScript. A file that has changed since is loaded anew; the
 * modules it imports are not. Throws a ConfigError that says why it cannot be used.
 *
 * @param file an absolute path
 */
export async function loadTransform(
  file: string,
  name: string = basename(file).replace(/\.\w+$/, ''),
): Promise<Transform> {
  const transform = moduleTransform(name, await defaultExport(file));
  if (transform !== undefined) return transform;
  throw new ConfigError([
    `${file}: a transform's module has a function as its default export: export default defineTransform(({ document }) => …).`,
  ]);
}

async function defaultExport(file: string): Promise<unknown> {
  try {
    const { mtimeMs } = await stat(file);
    const module = (await import(`${pathToFileURL(file).href}?changed=${mtimeMs}`)) as {
      readonly default?: unknown;
    };
    return module.default;
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : '').split('\n');
    throw new ConfigError([`${file}: the module cannot be loaded: ${reason}`]);
  }
}
