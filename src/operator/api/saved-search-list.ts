import type { MetaDatabase } from '../meta/meta-database.ts';
import type { SavedSearch } from './contract/message.ts';
import type { SavedSearchRequest } from './contract/saved-search.ts';

/** Searches that people keep under a name; a name is used once a person. */
export interface SavedSearchList {
  /** Their own and those that others share, by name. */
  list(owner: string): readonly SavedSearch[];
  /** Makes it, or replaces the one of the same name. */
  save(owner: string, search: SavedSearchRequest): SavedSearch;
  /** How many are theirs. */
  count(owner: string): number;
  /** Whether there was one of theirs. */
  remove(owner: string, id: number): boolean;
}

export function savedSearchList(database: MetaDatabase): SavedSearchList {
  return {
    list: (owner) =>
      database
        .all('SELECT * FROM saved_search WHERE owner = ? OR shared = 1 ORDER BY name, id', owner)
        .map(searchOf),
    save(owner, { name, shared = false, criteria }) {
      const row = database.get(
        `INSERT INTO saved_search(owner, name, shared, criteria) VALUES(?, ?, ?, ?)
           ON CONFLICT(owner, name) DO UPDATE SET shared = excluded.shared, criteria = excluded.criteria
           RETURNING *`,
        owner,
        name,
        shared ? 1 : 0,
        JSON.stringify(criteria),
      );
      return searchOf(row ?? {});
    },
    count: (owner) => {
      const row = database.get('SELECT count(*) AS n FROM saved_search WHERE owner = ?', owner);
      return Number(row?.['n']);
    },
    remove: (owner, id) =>
      database.run('DELETE FROM saved_search WHERE owner = ? AND id = ?', owner, id) > 0,
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
