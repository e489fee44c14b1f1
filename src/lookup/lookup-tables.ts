/** The code tables of a production. Reloading replaces all of a table's entries at once. */
export interface LookupTables {
  readonly names: readonly string[];
  /** The tables that are loaded while the production runs, so that a test has none of their entries. */
  readonly loaded?: ReadonlySet<string>;
  /** The value for a key, or `otherwise` (`''` if left out). An unknown table throws. */
  lookup(table: string, key: string, otherwise?: string): string;
}
