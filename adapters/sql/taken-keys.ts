import type { Column, Row } from './database.ts';

/** The values of the key columns as texts. */
export type Key = readonly string[];

/** A key that was taken. */
export interface Taken {
  readonly key: Key;
  /** The key as one text. */
  readonly id: string;
}

export const takenOf = (key: Key): Taken => ({ key, id: JSON.stringify(key) });

export interface KeyedRow extends Taken {
  readonly row: Row;
}

export interface Page {
  readonly columns: readonly Column[];
  /** Above which key it begins. */
  readonly above: Key | null;
  readonly rows: readonly KeyedRow[];
  /** Whether there may be more rows. */
  readonly more: boolean;
}

/** The keys that were taken last. Only the database can compare two keys. */
export interface TakenKeys {
  /** In ascending order: those of this poll's pages so far. */
  readonly seen: readonly Taken[];
  /** Those of earlier polls that this one has not met: their rows come later, or are gone. */
  readonly unseen: readonly Taken[];
}

/** The rows of a page that were not taken before. */
export function freshOf({ rows }: Page, { unseen }: TakenKeys): readonly KeyedRow[] {
  if (unseen.length === 0) return rows;
  const taken = counted(unseen);
  return rows.filter(({ id }) => !takeOne(taken, id));
}

/** Also with the first `count` fresh rows of a page, which follows those that were seen. */
export function withPage(
  { seen, unseen }: TakenKeys,
  { rows }: Page,
  fresh: readonly KeyedRow[],
  count: number,
): TakenKeys {
  if (fresh.length === rows.length) return { seen: [...seen, ...fresh.slice(0, count)], unseen };
  const left = new Set(fresh.slice(count));
  const met = counted(rows);
  for (const { id } of fresh) takeOne(met, id);
  return {
    seen: [...seen, ...rows.filter((row) => !left.has(row))],
    unseen: unseen.filter(({ id }) => !takeOne(met, id)),
  };
}

/**
 * Without the oldest where there are more than `remember` of either kind, and up to which key everything is taken then.
 * Never without the last key, because more rows may have it.
 */
export function withoutOldest(
  { seen, unseen }: TakenKeys,
  remember: number,
  floor: Key | null,
): { readonly keys: TakenKeys; readonly floor: Key | null } {
  const last = seen.at(-1)?.id;
  let gone = 0;
  while (seen.length - gone > remember && seen[gone]?.id !== last) gone += 1;
  return {
    keys: { seen: seen.slice(gone), unseen: unseen.slice(-remember) },
    floor: seen[gone - 1]?.key ?? floor,
  };
}

function counted(keys: readonly Taken[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { id } of keys) found.set(id, (found.get(id) ?? 0) + 1);
  return found;
}

/** Whether there was one left. */
function takeOne(left: Map<string, number>, id: string): boolean {
  const count = left.get(id) ?? 0;
  if (count > 0) left.set(id, count - 1);
  return count > 0;
}
