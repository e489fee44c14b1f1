import type { MetaDatabase } from './meta-database.ts';

/** What a database of an earlier version lacks, oldest first. */
const LATER: readonly {
  readonly table: string;
  readonly column: string;
  readonly statements: readonly string[];
}[] = [
  {
    table: 'job',
    column: 'orderer',
    statements: [
      // whose rights an older job had is not known; it ends, so that it is purged some day
      "UPDATE job_item SET state = 'cancelled' WHERE state = 'waiting'",
      "UPDATE job SET state = 'cancelled', ended = created WHERE state = 'running'",
      `ALTER TABLE job ADD COLUMN orderer TEXT NOT NULL DEFAULT '{"name":"","via":"local","roles":[],"permissions":[]}'`,
      'ALTER TABLE job ADD COLUMN why TEXT',
    ],
  },
];

/** Adds the columns that came since the database was made; what is there stays. */
export async function upgrade(database: MetaDatabase): Promise<void> {
  for (const { table, column, statements } of LATER) {
    if (await hasColumn(database, table, column)) continue;
    try {
      await database.transaction(async (session) => {
        for (const statement of statements) await session.run(statement);
      });
    } catch (error) {
      // another operator plane may have been faster
      if (!(await hasColumn(database, table, column))) throw error;
    }
  }
}

async function hasColumn(database: MetaDatabase, table: string, column: string): Promise<boolean> {
  try {
    await database.all(`SELECT ${column} FROM ${table} LIMIT 1`);
    return true;
  } catch {
    // there is no such column
    return false;
  }
}
