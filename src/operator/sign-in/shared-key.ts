import { randomBytes } from 'node:crypto';
import type { MetaDatabase } from '../meta/meta-database.ts';

/** A secret key of that name, made at first, the same on every operator plane. */
export function sharedKey(database: MetaDatabase, name: string): Uint8Array {
  return database.transaction(() => {
    const known = database.get<{ key: Uint8Array }>(
      'SELECT key FROM shared_key WHERE name = ?',
      name,
    );
    if (known !== undefined) return known.key;
    const key = randomBytes(32);
    database.run('INSERT INTO shared_key VALUES (?, ?)', name, key);
    return key;
  });
}
