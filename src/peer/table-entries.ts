import { TemporaryError } from '../error/adapter-error.ts';

/** What an answer without rows means for a code table. */
export type EmptyTable = 'keep' | 'take';

interface Source<Cell> {
  readonly empty: EmptyTable;
  readonly source: 'query' | 'search';
  /** A cell as a code table has it. */
  readonly text: (cell: Cell) => string;
}

/**
 * The entries of a code table from the rows of a source: the key, then the value. Throws if rows have the same key, because it
 * would be arbitrary which of them counts, or if there are none and that is not meant.
 */
export function tableEntries<Cell>(
  rows: readonly (readonly (Cell | null)[])[],
  { empty, source, text }: Source<Cell>,
): ReadonlyMap<string, string> {
  if (rows.length === 0 && empty === 'keep') {
    throw new TemporaryError(
      `The ${source} returned no rows, which empty: keep takes for a source that is being refilled. Set empty: take if that can be right.`,
    );
  }
  const entries = new Map<string, string>();
  let without = 0;
  for (const row of rows) {
    const key = row[0] ?? null;
    const value = row[1] ?? null;
    if (key === null) without += 1;
    else entries.set(text(key), value === null ? '' : text(value));
  }
  const twice = rows.length - without - entries.size;
  if (without === 0 && twice === 0) return entries;
  throw new TemporaryError(
    `The ${source} returns ${without} rows without a key and ${twice} whose key another row has. Make it return each key once.`,
  );
}
