import { EngineError } from '../error/engine-error.ts';
import { nearest } from '../error/nearest.ts';
import { type LookupProblem, readLookupFile } from './lookup-file.ts';
import type { LookupTables } from './lookup-tables.ts';

/** Code tables that come from files and can be read again while messages flow. */
export interface FileTables extends LookupTables {
  /** What was wrong with the files when they were read first. */
  readonly problems: readonly LookupProblem[];
  /**
   * Reads all files again. Only if nothing is wrong with any of them, all tables change at once; else
   * they stay as they are. Gives the problems. Of calls that overlap, the last one counts.
   */
  reload(): Promise<readonly LookupProblem[]>;
}

type Tables = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads the code tables of a production: name → absolute path of a CSV file. Never throws: what is wrong is in `problems`. */
export async function lookupTables(files: ReadonlyMap<string, string>): Promise<FileTables> {
  const first = await readAll(files);
  let tables = first.tables;
  let newest = 0;
  return {
    names: [...files.keys()],
    problems: first.problems,
    lookup(table, key, otherwise = '') {
      const entries = tables.get(table);
      if (entries === undefined) throw unknownTable(table, files.keys());
      return entries.get(key) ?? otherwise;
    },
    async reload() {
      const turn = ++newest;
      const again = await readAll(files);
      if (again.problems.length === 0 && turn === newest) tables = again.tables;
      return again.problems;
    },
  };
}

async function readAll(
  files: ReadonlyMap<string, string>,
): Promise<{ tables: Tables; problems: LookupProblem[] }> {
  const read = await Promise.all(
    [...files].map(async ([table, file]) => ({ table, ...(await readLookupFile(table, file)) })),
  );
  return {
    tables: new Map(read.map(({ table, entries }) => [table, entries])),
    problems: read.flatMap(({ problems }) => problems),
  };
}

function unknownTable(table: string, known: Iterable<string>): EngineError {
  const near = nearest(table, known);
  return new EngineError(
    'EXPRESSION_FAILED',
    `There is no lookup table ${JSON.stringify(table)}${near === undefined ? '.' : `; did you mean ${near}?`} Tables stand under lookups in the production.`,
  );
}
