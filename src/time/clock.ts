/** The source of the time. Production tests pass a fixed one, so that every run gives the same bytes. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

const steadyClock: Clock = { now: () => performance.timeOrigin + performance.now() };

/**
 * For what is only measured, such as how long something is kept: the system's clock may be set back by a year, and then
 * this one simply goes on. One of a test is taken as it is.
 */
export const steadyOf = (clock: Clock): Clock => (clock === systemClock ? steadyClock : clock);

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
