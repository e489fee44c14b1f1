import { randomBytes } from 'node:crypto';
import type { MetaDatabase } from '../meta/meta-database.ts';

/** A secret key of that name, made at first, the same on every operator plane. */
export function sharedKey(database: MetaDatabase, name: string): Promise<Uint8Array> {
  return database.transaction(async (session) => {
    const known = await session.get<{ key: Uint8Array }>(
      'SELECT key FROM shared_key WHERE name = ?',
      name,
    );
    if (known !== undefined) return known.key;
    const key = randomBytes(32);
    await session.run('INSERT INTO shared_key VALUES (?, ?)', name, key);
    return key;
  });
}
