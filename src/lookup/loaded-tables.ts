/** The rows with which a code table was last loaded. */
export interface LoadedTable {
  readonly entries: ReadonlyMap<string, string>;
  /** The time of these rows. */
  readonly at: number;
  /** Identifies the query: rows from a different query are of no use. */
  readonly question: string;
}

/**
 * The code tables of this process that are loaded from a source such as a database. They are kept
 * apart from the definition, so that a change of the production continues with the present rows.
 */
export class LoadedTables {
  readonly #tables: Map<string, LoadedTable>;

  constructor(tables: ReadonlyMap<string, LoadedTable> = new Map()) {
    this.#tables = new Map(tables);
  }

  of(name: string): LoadedTable | undefined {
    return this.#tables.get(name);
  }

  /** All entries of a table change at once. */
  fill(name: string, table: LoadedTable): void {
    this.#tables.set(name, table);
  }

  /** Their current rows. */
  all(): ReadonlyMap<string, LoadedTable> {
    return new Map(this.#tables);
  }

  /** Drops all tables except those with these names. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#tables.keys()) if (!names.has(name)) this.#tables.delete(name);
  }
}
