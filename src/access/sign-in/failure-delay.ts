import { createHash } from 'node:crypto';
import type { MetaDatabase, MetaSession } from '../meta/meta-database.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** Makes guessing slow without ever locking anybody out permanently. Unknown users are delayed like known ones. */
export interface FailureDelay {
  /**
   * Milliseconds until the next try with any of the keys is checked. 0 means now, and the try
   * counts as a failure until proven otherwise, so that parallel tries get no more checks than
   * sequential ones.
   */
  tried(keys: readonly FailureKey[]): Promise<number>;
  /** Starts the wait now, as the answer goes out: the check took a while. */
  refused(keys: readonly FailureKey[]): Promise<void>;
  /** Forgets the failures of a key after a success. */
  succeeded(key: FailureKey): Promise<void>;
  /** Takes back one failure that was counted in advance. */
  forgiven(key: FailureKey): Promise<void>;
}

export interface FailureKey {
  /**
   * A user from one address, an address, or a user from anywhere, so that nobody is locked out by
   * what others try elsewhere.
   */
  readonly kind: 'user' | 'address' | 'name';
  readonly name: string;
}

/** Failures without a delay: people mistype, and many share one address. */
const FREE: Readonly<Record<FailureKey['kind'], number>> = { user: 3, address: 30, name: 100 };
const LONGEST = 15 * 60_000;
const FORGOTTEN = 24 * 3_600_000;

const known = (
  session: MetaSession,
  key: FailureKey,
): Promise<{ count: number; next_try: number } | undefined> =>
  session.get('SELECT count, next_try FROM sign_in_failure WHERE key = ?', textOf(key));

export function failureDelay(database: MetaDatabase, now: () => number = Date.now): FailureDelay {
  return {
    tried: (keys) =>
      database.transaction(async (session) => {
        const counts: number[] = [];
        let wait = 0;
        for (const key of keys) {
          const before = await known(session, key);
          wait = Math.max(wait, (before?.next_try ?? 0) - now());
          counts.push((before?.count ?? 0) + 1);
        }
        if (wait > 0) return wait;
        await session.run('DELETE FROM sign_in_failure WHERE next_try < ?', now() - FORGOTTEN);
        for (const [index, key] of keys.entries()) {
          const count = counts[index] ?? 1;
          await session.run(
            `INSERT INTO sign_in_failure(key, count, next_try) VALUES (?,?,?)
               ON CONFLICT(key) DO UPDATE SET count = excluded.count, next_try = excluded.next_try`,
            textOf(key),
            count,
            now() + delayAfter(count, key),
          );
        }
        return 0;
      }),
    async refused(keys) {
      for (const key of keys) {
        const next = now() + delayAfter((await known(database, key))?.count ?? 0, key);
        await database.run(
          'UPDATE sign_in_failure SET next_try = ? WHERE key = ?',
          next,
          textOf(key),
        );
      }
    },
    async forgiven(key) {
      await database.run(
        `UPDATE sign_in_failure SET count = CASE WHEN count > 0 THEN count - 1 ELSE 0 END, next_try = ?
           WHERE key = ?`,
        now(),
        textOf(key),
      );
    },
    async succeeded(key) {
      await database.run('DELETE FROM sign_in_failure WHERE key = ?', textOf(key));
    },
  };
}

/**
 * Checks what can be guessed, not before its time: counted before it is checked, so that parallel tries do not
 * all pass. A success forgets the failures of `own`, and of `shared` only this one: somebody with one account
 * must not get free guesses at others. What ended before anything was checked does not count.
 */
export async function guarded<Result>(
  delay: FailureDelay,
  { own, shared }: { readonly own?: FailureKey; readonly shared: readonly FailureKey[] },
  check: () => Promise<Result>,
): Promise<Result> {
  const keys = own === undefined ? shared : [own, ...shared];
  const wait = await delay.tried(keys);
  if (wait > 0) throw SignInRefusal.tooSoon(wait);
  const result = await check().catch(async (error: unknown) => {
    if (error instanceof SignInRefusal && !error.isUndecided) await delay.refused(keys);
    else for (const key of keys) await delay.forgiven(key);
    throw error;
  });
  if (own !== undefined) await delay.succeeded(own);
  for (const key of shared) await delay.forgiven(key);
  return result;
}

/** People type their password into the name field, so what was typed is not stored. */
const textOf = ({ kind, name }: FailureKey): string =>
  `${kind}:${createHash('sha256').update(name.toLowerCase()).digest('base64url')}`;

function delayAfter(count: number, { kind }: FailureKey): number {
  const over = count - FREE[kind];
  return over < 0 ? 0 : Math.min(LONGEST, 2_000 * 2 ** Math.min(over, 20));
}
