import { relative, resolve } from 'node:path';
import { lookupTables } from '../lookup/file-tables.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import { textOf } from './form/setting-form.ts';
import type { Problems } from './problem.ts';
import { pathText, valueAt, type Written, type WrittenScalar } from './written/written.ts';

export interface ReadLookups {
  readonly lookups: LookupTables;
  /** Absolute paths. */
  readonly files: readonly string[];
}

/** Reads every file under `lookups`; what is wrong in one is reported at its line. */
export async function readLookups(
  written: Written,
  folder: string,
  problems: Problems,
): Promise<ReadLookups> {
  const entries = new Map(lookupEntries(written));
  const files = new Map(
    [...entries].map(([name, value]) => [name, resolve(folder, textOf(value) ?? '')] as const),
  );
  const lookups = await lookupTables(files);
  for (const { table, file, line, what, remedy } of lookups.problems) {
    const entry = entries.get(table);
    const place =
      entry !== undefined && what.startsWith('the file')
        ? entry.place
        : { file: relative(folder, file), line, column: 1 };
    problems.error(place, pathText(['lookups', table]), what, remedy);
  }
  return { lookups, files: [...files.values()] };
}

function* lookupEntries(written: Written): Generator<[string, WrittenScalar]> {
  const block = valueAt(written, ['lookups']);
  for (const [name, { value }] of block?.kind === 'block' ? block.entries : []) {
    if (value.kind === 'scalar' && textOf(value) !== undefined) yield [name, value];
  }
}
