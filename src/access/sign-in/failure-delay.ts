import { createHash } from 'node:crypto';
import { addressBlock } from '../../message/address-block.ts';
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
  /** Forgets the failures of a user at an address after a success, which is remembered. */
  succeeded(key: FailureKey): Promise<void>;
  /** Takes back one failure that was counted in advance. */
  forgiven(key: FailureKey): Promise<void>;
}

export interface FailureKey {
  /**
   * A user from one address (`user address`), an address, or a user from anywhere. Who got in from an address within the
   * last month waits there only for what was tried with that name from there: nobody is locked out by what others try.
   */
  readonly kind: 'user' | 'address' | 'name';
  readonly name: string;
}

/** Failures without a delay: people mistype, and many share one address, whose failures count by the hour. */
const FREE: Readonly<Record<FailureKey['kind'], number>> = { user: 3, address: 30, name: 100 };
const LONGEST = 15 * 60_000;
const HOUR = 3_600_000;
const FORGOTTEN = 24 * HOUR;
/** For how long a success at an address is remembered. */
const PROVEN = 30 * 24 * HOUR;

const known = (
  session: MetaSession,
  key: string,
): Promise<{ count: number; next_try: number } | undefined> =>
  session.get('SELECT count, next_try FROM sign_in_failure WHERE key = ?', key);

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function failureDelay(database: MetaDatabase, now: () => number = Date.now): FailureDelay {
  const textOf = (key: FailureKey): string => keyText(key, now());
  const isProven = async (session: MetaSession, keys: readonly FailureKey[]): Promise<boolean> => {
    const own = keys.find(({ kind }) => kind === 'user');
    return own !== undefined && ((await known(session, provenText(own)))?.next_try ?? 0) > now();
  };
  return {
    tried: (keys) =>
      database.transaction(async (session) => {
        const counts: number[] = [];
        const waitsAlone = await isProven(session, keys);
        let wait = 0;
        for (const key of keys) {
          const before = await known(session, textOf(key));
          if (!waitsAlone || key.kind === 'user')
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
        const next = now() + delayAfter((await known(database, textOf(key)))?.count ?? 0, key);
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
      await database.run(
        `INSERT INTO sign_in_failure(key, count, next_try) VALUES (?,0,?)
           ON CONFLICT(key) DO UPDATE SET next_try = excluded.next_try`,
        provenText(key),
        now() + PROVEN,
      );
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

const keyText = ({ kind, name }: FailureKey, now: number): string =>
  kind === 'address'
    ? `address:${hashOf(`${addressBlock(name)} ${Math.floor(now / HOUR)}`)}`
    : `${kind}:${hashOf(name)}`;

/** Under which it is remembered that somebody got in from an address. */
const provenText = ({ name }: FailureKey): string => `proven:${hashOf(name)}`;

/** People type their password into the name field, so what was typed is not stored. What directories take for the same name is the same. */
const hashOf = (text: string): string =>
  createHash('sha256')
    .update(text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim())
    .digest('base64url');

function delayAfter(count: number, { kind }: FailureKey): number {
  const over = count - FREE[kind];
  return over < 0 ? 0 : Math.min(LONGEST, 2_000 * 2 ** Math.min(over, 20));
}
