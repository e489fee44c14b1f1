import { createHash, randomUUID } from 'node:crypto';
import type { Attempts } from '../adapter/sign-in-tools.ts';
import type { Broker } from '../broker/broker.ts';
import { subscribeSteadily } from '../broker/steady-subscription.ts';
import { addressBlock } from '../message/address-block.ts';

/** Failures without a wait: people mistype, and many share one address, whose failures count by the hour. */
const FREE = { user: 3, address: 30, name: 100 } as const;
const FIRST = 2_000;
const LONGEST = 15 * 60_000;
const HOUR = 3_600_000;
const FORGOTTEN = 24 * HOUR;
/** For how long it is remembered that somebody got in from an address. */
const PROVEN = 30 * 24 * HOUR;
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
  const others = subscribeSteadily(connection, subject, {
    hear: (message) => {
      const told = message.json<Told>();
      if (told.from === from) return;
      if (told.act === 'tried') failures.count(told.counted);
      else failures.takeBack(told.counted, told.act);
    },
  });
  return {
    of: (realm) => ({
      tried(user, address) {
        const counted = countedFor(realm, user, address, now());
        const wait = failures.wait(counted);
        if (wait > 0) return wait;
        failures.count(counted);
        tell('tried', counted);
        return 0;
      },
      succeeded(user, address) {
        const counted = countedFor(realm, user, address, now());
        failures.takeBack(counted, 'succeeded');
        tell('succeeded', counted);
      },
      undecided(user, address) {
        const counted = countedFor(realm, user, address, now());
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

function countedFor(realm: string, user: string, address: string, now: number): Counted {
  // what directories take for the same name is the same
  const name = user.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
  return {
    user: hash('user', realm, address, name),
    address: hash('address', realm, addressBlock(address), String(Math.floor(now / HOUR))),
    name: hash('name', realm, name),
  };
}

const hash = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('base64url');

class Failures {
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly count: number; readonly next: number }>();
  /** Who got in from where, and until when that counts. */
  readonly #proven = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Milliseconds until the next attempt may be made. Who got in from there before waits only for what was tried with that
   * name from there: nobody is locked out by what others try.
   */
  wait(counted: Counted): number {
    const now = this.#now();
    const isProven = (this.#proven.get(counted.user) ?? 0) > now;
    const kinds = isProven ? (['user'] as const) : KINDS;
    return Math.max(...kinds.map((kind) => (this.#known.get(counted[kind])?.next ?? 0) - now));
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
    dropOldest(this.#known);
  }

  /** Takes back an attempt that was counted, since it succeeded or was none; others from its address still count. */
  takeBack(counted: Counted, since: 'succeeded' | 'undecided'): void {
    const hasSucceeded = since === 'succeeded';
    if (hasSucceeded) {
      this.#known.delete(counted.user);
      this.#proven.delete(counted.user);
      this.#proven.set(counted.user, this.#now() + PROVEN);
      dropOldest(this.#proven);
    }
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

function dropOldest(known: Map<string, unknown>): void {
  for (const key of known.keys()) {
    if (known.size <= MOST) break;
    known.delete(key);
  }
}

const waitAfter = (over: number): number =>
  over < 0 ? 0 : Math.min(LONGEST, FIRST * 2 ** Math.min(over, 20));
