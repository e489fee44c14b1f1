/** Milliseconds that the clock may gain on the time that has passed; with more it was set. */
const LEAP = 5 * 60_000;
/** Milliseconds in which people, or NTP, set a wrong one right. */
const WAIT = 60 * 60_000;

/** What was seen of the clock since the last look. */
export interface ClockLook {
  /** Milliseconds by which it was set ahead; 0 if it was not. */
  readonly leap: number;
  /** Whether what is too old by it may be removed. */
  readonly isTrusted: boolean;
}

/**
 * Notices, when called again and again, that the clock was set ahead: by it everything is older than it was. For an
 * hour, or until it is set back, it is not trusted; nor is it for the first hour, since it may be wrong from the start.
 *
 * @param passed milliseconds that no setting changes
 */
export function clockLeaps(
  now = () => Date.now(),
  passed = () => performance.now(),
): () => ClockLook {
  const look = () => ({ at: now(), passed: passed() });
  let last = look();
  let waits = last.passed + WAIT;
  return () => {
    const seen = look();
    const gained = seen.at - last.at - (seen.passed - last.passed);
    last = seen;
    if (gained > LEAP) waits = seen.passed + WAIT;
    else if (gained < -LEAP) waits = Number.NEGATIVE_INFINITY;
    return { leap: gained > LEAP ? gained : 0, isTrusted: seen.passed >= waits };
  };
}
