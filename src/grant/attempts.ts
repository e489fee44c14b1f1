import { createHash, randomUUID } from 'node:crypto';
import type { Attempts } from '../adapter/sign-in-tools.ts';
import type { Broker } from '../broker/broker.ts';

/** Failures without a wait: people mistype, and many share one address. */
const FREE = { user: 3, address: 30, name: 100 } as const;
const FIRST = 2_000;
const LONGEST = 15 * 60_000;
const FORGOTTEN = 24 * 3_600_000;
/** A flood of names must not fill the memory: the oldest are forgotten. */
const MOST = 50_000;

/** What every engine of the production counts together. */
export interface SharedAttempts {
  /** Services with the same realm count together. */
  of(realm: string): Attempts;
  close(): void;
}

interface Told {
  readonly from: string;
  readonly act: 'tried' | 'succeeded' | 'undecided';
  readonly counted: Counted;
}

/**
 * Each engine counts in memory, and tells the others what it counts: nothing is stored, since a
 * stranger could fill that. An engine that starts knows what was tried from then on.
 */
export function sharedAttempts(
  { connection, names }: Pick<Broker, 'connection' | 'names'>,
  now: () => number = Date.now,
): SharedAttempts {
  const failures = new Failures(now);
  const from = randomUUID();
  const subject = names.control('attempts');
  const tell = (act: Told['act'], counted: Counted): void => {
    if (connection.isClosed()) return;
    connection.publish(subject, JSON.stringify({ from, act, counted } satisfies Told));
  };
  const others = connection.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) return;
      const told = message.json<Told>();
      if (told.from === from) return;
      if (told.act === 'tried') failures.count(told.counted);
      else failures.takeBack(told.counted, told.act);
    },
  });
  return {
    of: (realm) => ({
      tried(user, address) {
        const counted = countedFor(realm, user, address);
        const wait = failures.wait(counted);
        if (wait > 0) return wait;
        failures.count(counted);
        tell('tried', counted);
        return 0;
      },
      succeeded(user, address) {
        const counted = countedFor(realm, user, address);
        failures.takeBack(counted, 'succeeded');
        tell('succeeded', counted);
      },
      undecided(user, address) {
        const counted = countedFor(realm, user, address);
        failures.takeBack(counted, 'undecided');
        tell('undecided', counted);
      },
    }),
    close: () => others.unsubscribe(),
  };
}

/** What an attempt counts for: the user at this address, the address, and the user from anywhere; only their hashes. */
type Counted = { readonly [Kind in keyof typeof FREE]: string };

const KINDS = Object.keys(FREE) as (keyof Counted)[];

function countedFor(realm: string, user: string, address: string): Counted {
  const name = user.toLowerCase();
  return {
    user: hash('user', realm, address, name),
    address: hash('address', realm, address),
    name: hash('name', realm, name),
  };
}

const hash = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('base64url');

class Failures {
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly count: number; readonly next: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until the next attempt may be made. */
  wait(counted: Counted): number {
    const now = this.#now();
    return Math.max(...KINDS.map((kind) => (this.#known.get(counted[kind])?.next ?? 0) - now));
  }

  count(counted: Counted): void {
    const now = this.#now();
    for (const kind of KINDS) {
      const key = counted[kind];
      const before = this.#known.get(key);
      const known = before !== undefined && now - before.next < FORGOTTEN ? before.count : 0;
      this.#known.delete(key);
      this.#known.set(key, { count: known + 1, next: now + waitAfter(known + 1 - FREE[kind]) });
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(key);
    }
  }

  /** Takes back an attempt that was counted, since it succeeded or was none; others from its address still count. */
  takeBack(counted: Counted, since: 'succeeded' | 'undecided'): void {
    const hasSucceeded = since === 'succeeded';
    if (hasSucceeded) this.#known.delete(counted.user);
    const others = hasSucceeded ? KINDS.filter((kind) => kind !== 'user') : KINDS;
    for (const kind of others) {
      const key = counted[kind];
      const { count } = this.#known.get(key) ?? { count: 1 };
      this.#known.set(key, {
        count: count - 1,
        next: this.#now() + waitAfter(count - 1 - FREE[kind]),
      });
    }
  }
}

const waitAfter = (over: number): number =>
  over < 0 ? 0 : Math.min(LONGEST, FIRST * 2 ** Math.min(over, 20));
