import type { MetaDatabase } from '../meta/meta-database.ts';

/** Makes guessing slow without ever locking anybody out for good. Unknown users are delayed as known ones are. */
export interface FailureDelay {
  /** Milliseconds until the next try of any of the keys is looked at; 0 is now. */
  wait(keys: readonly FailureKey[]): number;
  failed(keys: readonly FailureKey[]): void;
  /** Lets the wait begin now, when the answer goes out: the check took a while. */
  refused(keys: readonly FailureKey[]): void;
  /** Forgets the failures of a key after a success. */
  succeeded(key: FailureKey): void;
  /** Takes back one failure that was counted before it was known to be none. */
  forgiven(key: FailureKey): void;
}

export interface FailureKey {
  readonly kind: 'user' | 'address';
  readonly name: string;
}

/** Failures that cost nothing: people mistype, and many sit behind one address. */
const FREE: Readonly<Record<FailureKey['kind'], number>> = { user: 3, address: 30 };
const LONGEST = 15 * 60_000;
const FORGOTTEN = 24 * 3_600_000;

export function failureDelay(database: MetaDatabase, now: () => number = Date.now): FailureDelay {
  const known = (key: FailureKey): { count: number; next_try: number } | undefined =>
    database.get('SELECT count, next_try FROM sign_in_failure WHERE key = ?', textOf(key));
  return {
    wait: (keys) => Math.max(0, ...keys.map((key) => (known(key)?.next_try ?? 0) - now())),
    failed(keys) {
      database.transaction(() => {
        database.run('DELETE FROM sign_in_failure WHERE next_try < ?', now() - FORGOTTEN);
        for (const key of keys) {
          const count = (known(key)?.count ?? 0) + 1;
          database.run(
            `INSERT INTO sign_in_failure(key, count, next_try) VALUES (?,?,?)
               ON CONFLICT(key) DO UPDATE SET count = excluded.count, next_try = excluded.next_try`,
            textOf(key),
            count,
            now() + delayAfter(count, key),
          );
        }
      });
    },
    refused(keys) {
      for (const key of keys) {
        const next = now() + delayAfter(known(key)?.count ?? 0, key);
        database.run('UPDATE sign_in_failure SET next_try = ? WHERE key = ?', next, textOf(key));
      }
    },
    forgiven(key) {
      database.run(
        `UPDATE sign_in_failure SET count = CASE WHEN count > 0 THEN count - 1 ELSE 0 END, next_try = ?
           WHERE key = ?`,
        now(),
        textOf(key),
      );
    },
    succeeded(key) {
      database.run('DELETE FROM sign_in_failure WHERE key = ?', textOf(key));
    },
  };
}

const textOf = ({ kind, name }: FailureKey): string =>
  `${kind}:${name.toLowerCase().slice(0, 100)}`;

function delayAfter(count: number, { kind }: FailureKey): number {
  const over = count - FREE[kind];
  return over < 0 ? 0 : Math.min(LONGEST, 2_000 * 2 ** Math.min(over, 20));
}
