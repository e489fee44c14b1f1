import type { MetaDatabase } from '../meta/meta-database.ts';

/** That somebody sees patient data unmasked for a time, because it cannot wait. */
export interface Emergency {
  readonly id: number;
  readonly name: string;
  /** How they were signed in: the same name from elsewhere is another person. */
  readonly via: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

export interface Emergencies {
  begin(one: Omit<Emergency, 'id'>): Promise<Emergency>;
  /** The one that lasts, if there is one. */
  active(name: string, via: string): Promise<Emergency | undefined>;
  /** Ends what lasts, for all planes at once. Whether something lasted. */
  end(name: string, via: string): Promise<boolean>;
  /** Those that last, and those that ended before anybody was told of them. */
  untold(): Promise<readonly Emergency[]>;
  told(ids: readonly number[]): Promise<void>;
}

export function emergencies(database: MetaDatabase, now: () => number = Date.now): Emergencies {
  return {
    async begin({ name, via, reason, from, until }) {
      const row = await database.get(
        'INSERT INTO emergency(name, via, reason, from_at, until_at, told) VALUES(?, ?, ?, ?, ?, 0) RETURNING *',
        name,
        via,
        reason,
        from,
        until,
      );
      return emergencyOf(row ?? {});
    },
    async active(name, via) {
      const row = await database.get(
        'SELECT * FROM emergency WHERE lower(name) = lower(?) AND via = ? AND until_at > ? ORDER BY until_at DESC LIMIT 1',
        name,
        via,
        now(),
      );
      return row === undefined ? undefined : emergencyOf(row);
    },
    end: async (name, via) =>
      (await database.run(
        'UPDATE emergency SET until_at = ? WHERE lower(name) = lower(?) AND via = ? AND until_at > ?',
        now(),
        name,
        via,
        now(),
      )) > 0,
    untold: async () =>
      (
        await database.all(
          'SELECT * FROM emergency WHERE told = 0 OR until_at > ? ORDER BY id LIMIT 1000',
          now(),
        )
      ).map(emergencyOf),
    async told(ids) {
      for (const id of ids) await database.run('UPDATE emergency SET told = 1 WHERE id = ?', id);
    },
  };
}

function emergencyOf(row: Readonly<Record<string, unknown>>): Emergency {
  return {
    id: Number(row['id']),
    name: String(row['name']),
    via: String(row['via']),
    reason: String(row['reason']),
    from: Number(row['from_at']),
    until: Number(row['until_at']),
  };
}
