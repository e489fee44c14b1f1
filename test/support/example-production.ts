import { join } from 'node:path';
import { allAdapters } from '../../adapters/index.ts';
import type { Definition } from '../../src/definition/definition.ts';
import { readProduction } from '../../src/definition/read.ts';

/** A production under `productions/`, with these values of its environment. */
export async function exampleProduction(
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Definition> {
  const folder = join(import.meta.dirname, '../../productions', name);
  const adapters = await allAdapters();
  const { definition, problems } = await readProduction(folder, { adapters, environment });
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  return definition;
}
