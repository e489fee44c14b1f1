import type { MetaDatabase, MetaSession } from '../meta/meta-database.ts';
import type { ConsoleSettings } from './console-settings.ts';

/** Whether local users' passwords are accepted, and why. */
export interface PasswordState {
  readonly allowed: boolean;
  readonly why: string;
}

/**
 * Prevents a misconfigured external sign-in from locking everybody out. `passwords: false` takes
 * effect once an administrator has signed in externally with exactly these settings, and lapses if
 * after that nobody signs in externally for `rollbackAfter`. Any change of the settings requires a
 * new test.
 */
export interface Enforcement {
  passwords(): Promise<PasswordState>;
  /** Reports an external sign-in. */
  signedIn(administrator: boolean): Promise<void>;
}

interface Row {
  readonly tested: number | null;
  readonly since: number | null;
  readonly last_success: number | null;
}

export function enforcement(
  database: MetaDatabase,
  { passwords, digest, rollbackAfter }: ConsoleSettings,
  now: () => number = Date.now,
): Enforcement {
  const rowOf = async (session: MetaSession): Promise<Row> =>
    (await session.get<Row>('SELECT * FROM enforcement WHERE digest = ?', digest)) ?? {
      tested: null,
      since: null,
      last_success: null,
    };
  const put = async (
    session: MetaSession,
    { tested, since, last_success: last }: Row,
  ): Promise<void> => {
    await session.run(
      `INSERT INTO enforcement(digest, tested, since, last_success) VALUES (?,?,?,?) ON CONFLICT(digest) DO UPDATE
         SET tested = excluded.tested, since = excluded.since, last_success = excluded.last_success`,
      digest,
      tested,
      since,
      last,
    );
  };
  return {
    async passwords() {
      if (passwords) return { allowed: true, why: 'passwords are on' };
      const row = await rowOf(database);
      if (row.tested === null) {
        return {
          allowed: true,
          why: 'passwords: false waits until an administrator has signed in externally with these settings',
        };
      }
      const since = row.since ?? now();
      if (row.since === null) {
        await database.run(
          'UPDATE enforcement SET since = ? WHERE digest = ? AND since IS NULL',
          since,
          digest,
        );
      }
      const proven = row.last_success !== null && row.last_success > since;
      if (!proven && now() - since > rollbackAfter) {
        return {
          allowed: true,
          why: 'nobody has signed in externally since passwords were switched off',
        };
      }
      return { allowed: false, why: 'passwords: false in console.yaml' };
    },
    signedIn: (administrator) =>
      database.transaction(async (session) => {
        const row = await rowOf(session);
        const tested = row.tested ?? (administrator ? now() : null);
        await put(session, { ...row, tested, last_success: now() });
      }),
  };
}
