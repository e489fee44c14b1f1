import type { MetaDatabase, MetaSession } from '../meta/meta-database.ts';

/** Refusals of one user from one address, for one reason, in one minute. */
export interface RefusedSignIn {
  /** When the minute began. */
  readonly minute: number;
  /** `unknown` if it is not a user's name; `others` for everything beyond what is counted separately. */
  readonly name: string;
  readonly via: string;
  readonly ip: string;
  readonly cause: string;
  readonly count: number;
}

/**
 * Counts refused sign-ins. Anybody can cause any number of them, so they are kept as counts, which
 * are purged, and not as rows of the audit log, which is not.
 */
export interface RefusedSignIns {
  /** Whether the audit log should record it: the first of its kind in an hour, up to a limit. */
  add(refused: Omit<RefusedSignIn, 'minute' | 'count'>): Promise<boolean>;
  /** Newest first. */
  list(limit: number): Promise<readonly RefusedSignIn[]>;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEPT = 90 * 24 * HOUR;
/** How many kinds are counted separately in one minute. */
const PER_MINUTE = 100;
/** The most rows kept; beyond this the oldest are dropped. */
const MOST = 100_000;
/** Audit rows per hour: an attack is visible in the log without filling it. */
const AUDITED_AN_HOUR = 60;

const OTHERS = 'others';

export function refusedSignIns(
  database: MetaDatabase,
  now: () => number = Date.now,
): RefusedSignIns {
  let purged = Number.NEGATIVE_INFINITY;
  return {
    add: ({ name, via, ip, cause }) =>
      database.transaction(async (session) => {
        const at = now();
        const minute = at - (at % MINUTE);
        if (at - purged > HOUR) await purge(session, at);
        purged = at - purged > HOUR ? at : purged;
        const [known] = await counted(
          session,
          'minute = ? AND name = ? AND via = ? AND ip = ? AND cause = ?',
          [minute, name, via, ip, cause],
        );
        const isOne = known > 0 || (await counted(session, 'minute = ?', [minute]))[0] < PER_MINUTE;
        const values = isOne ? [name, via, ip, cause] : [OTHERS, via, OTHERS, OTHERS];
        const [, audited] = await counted(session, 'minute > ?', [at - HOUR]);
        const [, before] = await counted(
          session,
          'minute > ? AND name = ? AND via = ? AND ip = ? AND cause = ?',
          [at - HOUR, ...values],
        );
        const isNews = before === 0 && audited < AUDITED_AN_HOUR;
        await session.run(
          `INSERT INTO refused_sign_in(minute, name, via, ip, cause, count, audited) VALUES (?,?,?,?,?,1,?)
             ON CONFLICT(minute, name, via, ip, cause)
             DO UPDATE SET count = refused_sign_in.count + 1, audited = refused_sign_in.audited + excluded.audited`,
          minute,
          ...values,
          isNews ? 1 : 0,
        );
        return isNews;
      }),
    list: (limit) =>
      database.all<RefusedSignIn>(
        'SELECT minute, name, via, ip, cause, count FROM refused_sign_in ORDER BY minute DESC, count DESC LIMIT ?',
        limit,
      ),
  };
}

/** How many rows there are, and how many of them are in the audit log. */
async function counted(
  session: MetaSession,
  where: string,
  values: readonly (string | number)[],
): Promise<readonly [rows: number, audited: number]> {
  const row = await session.get<{ n: number; audited: number }>(
    `SELECT count(*) AS n, coalesce(sum(audited), 0) AS audited FROM refused_sign_in WHERE ${where}`,
    ...values,
  );
  return [row?.n ?? 0, row?.audited ?? 0];
}

async function purge(session: MetaSession, at: number): Promise<void> {
  await session.run('DELETE FROM refused_sign_in WHERE minute < ?', at - KEPT);
  await session.run(
    `DELETE FROM refused_sign_in WHERE minute <=
       (SELECT minute FROM refused_sign_in ORDER BY minute DESC LIMIT 1 OFFSET ?)`,
    MOST,
  );
}
