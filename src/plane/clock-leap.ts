/** Milliseconds that the clock may gain on the time that has passed; with more it was set. */
const LEAP = 5 * 60_000;
/** Milliseconds in which people, or NTP, set a wrong one right. */
const WAIT = 60 * 60_000;
/** Milliseconds in which nobody looked after which the clock may be another: the machine was off, or started with a wrong one. */
const UNSEEN = 15 * 60_000;

/** What was seen of the clock since the last look. */
export interface ClockLook {
  /** Milliseconds by which it was set ahead; 0 if it was not. */
  readonly leap: number;
  /** Whether what is too old by it may be removed. */
  readonly isTrusted: boolean;
  /** For whoever looks after a restart. */
  readonly seen: SeenClock;
}

export interface SeenClock {
  /** What it said at the last look. */
  readonly at: number;
  /** Milliseconds for which it was not to be trusted from then on. */
  readonly wait: number;
}

/**
 * Notices, when called again and again, that the clock was set ahead: by it everything is older than it was. For an
 * hour, or until it is set back, it is not trusted; nor is it for the first hour, since it may be wrong from the start.
 * That hour goes on over restarts.
 *
 * @param before what was seen before this start
 * @param passed milliseconds that no setting changes
 */
export function clockLeaps(
  before?: SeenClock,
  now = () => Date.now(),
  passed = () => performance.now(),
): () => ClockLook {
  const look = () => ({ at: now(), passed: passed() });
  let last = look();
  const unseen = before === undefined ? Number.POSITIVE_INFINITY : last.at - before.at;
  let waits =
    last.passed +
    (before === undefined || unseen > UNSEEN ? WAIT : before.wait - Math.max(0, unseen));
  return () => {
    const seen = look();
    const gained = seen.at - last.at - (seen.passed - last.passed);
    last = seen;
    if (gained > LEAP) waits = seen.passed + WAIT;
    else if (gained < -LEAP) waits = Number.NEGATIVE_INFINITY;
    return {
      leap: gained > LEAP ? gained : 0,
      isTrusted: seen.passed >= waits,
      seen: { at: seen.at, wait: Math.max(0, waits - seen.passed) },
    };
  };
}
