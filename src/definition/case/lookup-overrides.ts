import type { LookupTables } from '../../lookup/lookup-tables.ts';

/** Code tables of which single entries can be replaced for one case. */
export interface OverriddenTables extends LookupTables {
  /** Replaces these entries, by table and key; all earlier replacements are undone. */
  override(entries: ReadonlyMap<string, ReadonlyMap<string, string>>): void;
}

export function overriddenTables(tables: LookupTables): OverriddenTables {
  let replaced: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map();
  return {
    names: tables.names,
    lookup(table, key, otherwise = '') {
      const given = replaced.get(table);
      // of a table that is loaded elsewhere, a case gives all there is
      const isWhole = given !== undefined && tables.loaded?.has(table) === true;
      return given?.get(key) ?? (isWhole ? otherwise : tables.lookup(table, key, otherwise));
    },
    override(entries) {
      replaced = entries;
    },
  };
}
