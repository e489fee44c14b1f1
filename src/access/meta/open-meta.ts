import { join } from 'node:path';
import { isDamaged, setAside } from '../../trace/store/damage.ts';
import type { MetaDatabase, MetaPlace } from './meta-database.ts';
import { AUDIT_MIGRATIONS, META_MIGRATIONS, type MetaMigration, migrate } from './migrate.ts';
import { postgresDatabase } from './postgres/database.ts';
import { sqliteDatabase } from './sqlite/database.ts';

/**
 * Users, sessions, tokens, searches, jobs, alerts. The command line opens it while the operator plane runs.
 *
 * @param migrations the forms of the database, oldest first; others than the product's in tests alone
 */
export function metaDatabase(
  place: MetaPlace,
  migrations: readonly MetaMigration[] = META_MIGRATIONS,
): Promise<MetaDatabase> {
  return open(place, 'meta', migrations);
}

/** The audit log, in a file of its own. */
export function auditDatabase(place: MetaPlace): Promise<MetaDatabase> {
  return open(place, 'audit', AUDIT_MIGRATIONS);
}

async function open(
  place: MetaPlace,
  name: 'meta' | 'audit',
  migrations: readonly MetaMigration[],
): Promise<MetaDatabase> {
  const { data, shared, onDamaged } = place;
  try {
    return await opened(place, name, migrations);
  } catch (error) {
    if (shared !== undefined || onDamaged === undefined || !isDamaged(error)) throw error;
    onDamaged(setAside(join(data, `${name}.db`)));
    return opened(place, name, migrations);
  }
}

/** In its newest form. */
async function opened(
  { data, shared }: MetaPlace,
  name: 'meta' | 'audit',
  migrations: readonly MetaMigration[],
): Promise<MetaDatabase> {
  const database = await (shared === undefined
    ? sqliteDatabase(data, `${name}.db`)
    : postgresDatabase(shared, name));
  const where =
    shared === undefined
      ? `${name}.db in ${data}`
      : `the schema waybill_${shared.production}_meta (${name})`;
  try {
    await migrate(database, { name, where, migrations });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
