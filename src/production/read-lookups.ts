import type { LookupTables } from '../lookup/lookup-tables.ts';
import { productionNames } from './names.ts';
import type { Problems } from './problem.ts';
import type { Written } from './written/written.ts';

export interface ReadLookups {
  readonly lookups: LookupTables;
  readonly files: readonly string[];
}

/** Reads every file under `lookups`. */
export async function readLookups(
  written: Written,
  _folder: string,
  _problems: Problems,
): Promise<ReadLookups> {
  const { lookups } = productionNames(written);
  return {
    lookups: { names: [...lookups], lookup: (_, __, otherwise = '') => otherwise },
    files: [],
  };
}
