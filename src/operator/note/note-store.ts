import type { MetaDatabase, MetaRow, MetaValue } from '../../access/meta/meta-database.ts';

export const NOTED = ['host', 'alert', 'message'] as const;
export type Noted = (typeof NOTED)[number];

/** What somebody wrote about a host, an alert or a message for those who come after. */
export interface Note {
  readonly id: number;
  readonly about: Noted;
  /** The host's name, the alert's or the message's id. */
  readonly object: string;
  /** The hosts concerned; a note without any is shown only to those who see all hosts. */
  readonly hosts: readonly string[];
  readonly at: number;
  readonly by: string;
  /** How the writer was signed in: the same name from elsewhere is another person. */
  readonly via: string;
  readonly text: string;
  /** When it was changed last. */
  readonly edited: number | undefined;
}

export interface NoteQuery {
  readonly about?: Noted | undefined;
  readonly object?: string | undefined;
  readonly by?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Notes older than the one with this id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Shift notes. They outlive the message that they are about, for a year. */
export interface NoteStore {
  /** Newest first. */
  list(query: NoteQuery): Promise<readonly Note[]>;
  find(id: number): Promise<Note | undefined>;
  add(note: Omit<Note, 'id' | 'edited'>): Promise<Note>;
  edit(id: number, text: string): Promise<Note | undefined>;
  remove(id: number): Promise<boolean>;
}

const KEPT = 366 * 86_400_000;

export function noteStore(database: MetaDatabase, now: () => number = Date.now): NoteStore {
  return {
    async list({ about, object, by, from, to, before, limit }) {
      const terms: readonly (readonly [string, MetaValue | undefined])[] = [
        ['about = ?', about],
        ['object = ?', object],
        ['lower(by) = lower(?)', by],
        ['at >= ?', from],
        ['at < ?', to],
        ['id < ?', before],
      ];
      const used = terms.flatMap(([term, value]) => (value === undefined ? [] : [{ term, value }]));
      const where = used.length === 0 ? '' : `WHERE ${used.map(({ term }) => term).join(' AND ')}`;
      const rows = await database.all(
        `SELECT * FROM note ${where} ORDER BY id DESC LIMIT ?`,
        ...used.map(({ value }) => value),
        limit,
      );
      return rows.map(noteOf);
    },
    find: async (id) => one(await database.get('SELECT * FROM note WHERE id = ?', id)),
    async add({ about, object, hosts, at, by, via, text }) {
      await database.run('DELETE FROM note WHERE at < ?', now() - KEPT);
      const row = await database.get(
        'INSERT INTO note(about, object, hosts, at, by, via, text) VALUES(?,?,?,?,?,?,?) RETURNING *',
        about,
        object,
        JSON.stringify(hosts),
        at,
        by,
        via,
        text,
      );
      return noteOf(row ?? {});
    },
    edit: async (id, text) =>
      one(
        await database.get(
          'UPDATE note SET text = ?, edited = ? WHERE id = ? RETURNING *',
          text,
          now(),
          id,
        ),
      ),
    remove: async (id) => (await database.run('DELETE FROM note WHERE id = ?', id)) === 1,
  };
}

const one = (row: MetaRow | undefined): Note | undefined =>
  row === undefined ? undefined : noteOf(row);

function noteOf(row: MetaRow): Note {
  return {
    id: Number(row['id']),
    about: row['about'] as Noted,
    object: String(row['object']),
    hosts: JSON.parse(String(row['hosts'])) as string[],
    at: Number(row['at']),
    by: String(row['by']),
    via: String(row['via']),
    text: String(row['text']),
    edited: row['edited'] === null ? undefined : Number(row['edited']),
  };
}
