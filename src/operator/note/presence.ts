import type { MetaDatabase } from '../../access/meta/meta-database.ts';

/** A time in which somebody did not look. */
export interface Absence {
  readonly from: number;
  readonly to: number;
}

/** When each person last looked at the console, and the absence that they have not caught up with. */
export interface Presence {
  /** Notes that somebody is there now; `attended` is false for what a page asks by itself. */
  seen(owner: string, attended: boolean): Promise<Absence | undefined>;
  /** They know what happened meanwhile. */
  caughtUp(owner: string): Promise<void>;
}

/** Who looks again after this time was away. */
const AWAY = 3_600_000;
/** An absence is not told of later than this after the return. */
const TOLD = 12 * 3_600_000;

export function presence(database: MetaDatabase, now: () => number = Date.now): Presence {
  return {
    seen: (owner, attended) =>
      database.transaction(async (session) => {
        const row = await session.get<Row>('SELECT * FROM presence WHERE owner = ?', owner);
        const at = now();
        const open = row === undefined ? undefined : absenceOf(row, at);
        if (!attended) return open;
        const isBack = row !== undefined && at - row.seen >= AWAY;
        // who left again without reading has missed both times
        const absence = isBack ? { from: open?.from ?? row.seen, to: at } : open;
        await session.run(
          `INSERT INTO presence(owner, seen, away_from, away_to) VALUES(?,?,?,?) ON CONFLICT(owner)
             DO UPDATE SET seen = excluded.seen, away_from = excluded.away_from, away_to = excluded.away_to`,
          owner,
          at,
          absence?.from ?? null,
          absence?.to ?? null,
        );
        return absence;
      }),
    async caughtUp(owner) {
      await database.run(
        'UPDATE presence SET seen = ?, away_from = NULL, away_to = NULL WHERE owner = ?',
        now(),
        owner,
      );
    },
  };
}

interface Row {
  readonly seen: number;
  readonly away_from: number | null;
  readonly away_to: number | null;
}

function absenceOf({ away_from: from, away_to: to }: Row, at: number): Absence | undefined {
  return from === null || to === null || at - to > TOLD ? undefined : { from, to };
}
