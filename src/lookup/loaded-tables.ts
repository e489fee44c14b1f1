/** The rows that a code table was loaded with last. */
export interface LoadedTable {
  readonly entries: ReadonlyMap<string, string>;
  /** When the rows were as they are here. */
  readonly at: number;
  /** Of what was asked for: rows of another question are of no use to whoever asks this one. */
  readonly question: string;
}

/**
 * The code tables of a process that come from elsewhere, such as a database. They stand beside the definitions of its
 * production, so that a change of the production goes on with the rows that are there.
 */
export class LoadedTables {
  readonly #tables = new Map<string, LoadedTable>();

  of(name: string): LoadedTable | undefined {
    return this.#tables.get(name);
  }

  /** All entries of a table change at once. */
  fill(name: string, table: LoadedTable): void {
    this.#tables.set(name, table);
  }

  /** As they are now. */
  all(): ReadonlyMap<string, LoadedTable> {
    return new Map(this.#tables);
  }

  /** Forgets what no table of these names needs. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#tables.keys()) if (!names.has(name)) this.#tables.delete(name);
  }
}
