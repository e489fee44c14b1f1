import { type MetaDatabase, type MetaRow } from '../../access/meta/meta-database.ts';

/** The messages shown to a person before an order, so that the order applies to exactly these. */
export interface FrozenIds {
  readonly owner: string;
  readonly ids: readonly number[];
  /** The hosts its owner could see then; the list becomes invalid once that changes. */
  readonly visible: readonly string[] | undefined;
  /** false: more matched than a job takes. */
  readonly complete: boolean;
}

/** Lists of messages between preview and order, kept for a day. At most one job is made from each. */
export interface FrozenLists {
  /** Stores a list, unless there already is one with that name. */
  keep(id: string, list: FrozenIds): Promise<void>;
  /** The list, if it belongs to the owner and they can still see all of it. */
  find(id: string, of: Pick<FrozenIds, 'owner' | 'visible'>): Promise<FrozenIds | undefined>;
  /** The job that was made from a list. */
  jobOf(id: string): Promise<number | undefined>;
}

const KEEP = 86_400_000;
/** The most lists per person: repeated previews must not fill the disk. */
const LISTS = 50;

export function frozenLists(database: MetaDatabase, now: () => number = Date.now): FrozenLists {
  const read = (id: string): Promise<MetaRow | undefined> =>
    database.get('SELECT * FROM frozen_list WHERE id = ?', id);
  return {
    async keep(id, { owner, ids, visible, complete }) {
      await database.run('DELETE FROM frozen_list WHERE created < ?', now() - KEEP);
      await database.run(
        'INSERT INTO frozen_list VALUES(?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING',
        id,
        owner,
        now(),
        textOf(visible),
        JSON.stringify(ids),
        Number(complete),
      );
      await database.run(
        `DELETE FROM frozen_list WHERE owner = ? AND job IS NULL AND id NOT IN
           (SELECT id FROM frozen_list WHERE owner = ? ORDER BY created DESC, id LIMIT ?)`,
        owner,
        owner,
        LISTS,
      );
    },
    async find(id, { owner, visible }) {
      const row = await read(id);
      if (row?.['owner'] !== owner || row['visible'] !== textOf(visible)) return undefined;
      const ids = JSON.parse(String(row['ids'])) as number[];
      return { owner, visible, ids, complete: row['complete'] === 1 };
    },
    async jobOf(id) {
      const job = (await read(id))?.['job'];
      return typeof job === 'number' ? job : undefined;
    },
  };
}

const textOf = (visible: readonly string[] | undefined): string =>
  visible === undefined ? '*' : JSON.stringify(visible);
