/** Failures without a wait: people mistype, and many share one address. */
const FREE = { user: 3, address: 30, name: 100 } as const;
const FIRST = 2_000;
const LONGEST = 15 * 60_000;
const FORGOTTEN = 24 * 3_600_000;
/** A flood of names must not fill the memory: the oldest are forgotten. */
const MOST = 50_000;

interface Failures {
  readonly count: number;
  readonly next: number;
}

/** Makes guessing slow without locking anybody out: each further failure doubles the wait. In the memory of this engine. */
export class Attempts {
  readonly #now: () => number;
  readonly #known = new Map<string, Failures>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Milliseconds to wait; 0 counts the attempt as a failure until `succeeded`, so that parallel ones get no more tries. */
  tried(user: string, address: string): number {
    const keys = keysOf(user, address);
    const now = this.#now();
    const wait = Math.max(...keys.map(({ key }) => (this.#known.get(key)?.next ?? 0) - now));
    if (wait > 0) return wait;
    for (const { key, free } of keys) {
      const before = this.#known.get(key);
      const known = before !== undefined && now - before.next < FORGOTTEN ? before.count : 0;
      const count = known + 1;
      this.#known.delete(key);
      this.#known.set(key, { count, next: now + waitAfter(count - free) });
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(key);
    }
    return 0;
  }

  succeeded(user: string, address: string): void {
    const [own, ...shared] = keysOf(user, address);
    this.#known.delete(own.key);
    for (const { key, free } of shared) {
      const { count } = this.#known.get(key) ?? { count: 1 };
      this.#known.set(key, { count: count - 1, next: this.#now() + waitAfter(count - 1 - free) });
    }
  }
}

interface Counted {
  readonly key: string;
  readonly free: number;
}

function keysOf(user: string, address: string): readonly [Counted, ...Counted[]] {
  const name = user.toLowerCase();
  return [
    { key: `user ${address} ${name}`, free: FREE.user },
    { key: `address ${address}`, free: FREE.address },
    { key: `name ${name}`, free: FREE.name },
  ];
}

const waitAfter = (over: number): number =>
  over < 0 ? 0 : Math.min(LONGEST, FIRST * 2 ** Math.min(over, 20));
