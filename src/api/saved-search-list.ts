import type { MetaDatabase } from '../access/meta/meta-database.ts';
import type { SavedSearch } from './contract/message.ts';
import type { SavedSearchRequest } from './contract/saved-search.ts';

/** Searches saved under a name, which is unique per person. */
export interface SavedSearchList {
  /** Their own and those that others share, by name. */
  list(owner: string): Promise<readonly SavedSearch[]>;
  /** Creates it, or replaces the one with the same name; undefined if the person has too many. */
  save(owner: string, search: SavedSearchRequest): Promise<SavedSearch | undefined>;
  /** Returns whether they had such a search. */
  remove(owner: string, id: number): Promise<boolean>;
}

/** How many searches one person may save. */
export const SEARCHES = 200;

export function savedSearchList(database: MetaDatabase): SavedSearchList {
  return {
    async list(owner) {
      const rows = await database.all(
        'SELECT * FROM saved_search WHERE owner = ? OR shared = 1 ORDER BY name, id',
        owner,
      );
      return rows.map(searchOf);
    },
    save: (owner, { name, shared = false, criteria }) =>
      database.transaction(async (session) => {
        const others = await session.get<{ n: number }>(
          'SELECT count(*) AS n FROM saved_search WHERE owner = ? AND name <> ?',
          owner,
          name,
        );
        if ((others?.n ?? 0) >= SEARCHES) return undefined;
        const row = await session.get(
          `INSERT INTO saved_search(owner, name, shared, criteria) VALUES(?, ?, ?, ?)
             ON CONFLICT(owner, name) DO UPDATE SET shared = excluded.shared, criteria = excluded.criteria
             RETURNING *`,
          owner,
          name,
          shared ? 1 : 0,
          JSON.stringify(criteria),
        );
        return searchOf(row ?? {});
      }),
    remove: async (owner, id) =>
      (await database.run('DELETE FROM saved_search WHERE owner = ? AND id = ?', owner, id)) > 0,
  };
}

function searchOf(row: Record<string, unknown>): SavedSearch {
  return {
    id: Number(row['id']),
    name: String(row['name']),
    owner: String(row['owner']),
    shared: row['shared'] === 1,
    criteria: JSON.parse(String(row['criteria'])) as SavedSearch['criteria'],
  };
}
