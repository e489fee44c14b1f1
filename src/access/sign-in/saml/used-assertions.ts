import { createHash } from 'node:crypto';
import type { MetaDatabase } from '../../meta/meta-database.ts';

/** The assertions that were used, on any operator plane, for as long as they could be used again. */
export interface UsedAssertions {
  /** Whether this is the first use. */
  first(provider: string, id: string, until: number): Promise<boolean>;
}

export function usedAssertions(database: MetaDatabase): UsedAssertions {
  return {
    async first(provider, id, until) {
      const key = createHash('sha256')
        .update(JSON.stringify([provider, id]))
        .digest('hex');
      await database.run('DELETE FROM used_assertion WHERE until < ?', Date.now());
      const added = await database.run(
        'INSERT INTO used_assertion VALUES (?, ?) ON CONFLICT(id) DO NOTHING',
        key,
        until,
      );
      return added === 1;
    },
  };
}
