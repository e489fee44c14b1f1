/** The source of the time. Production tests pass a fixed one, so that every run gives the same bytes. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still at `at` until `set` moves it. */
export function fixedClock(at: number): Clock & { set(at: number): void } {
  let time = at;
  return {
    now: () => time,
    set(next) {
      time = next;
    },
  };
}
