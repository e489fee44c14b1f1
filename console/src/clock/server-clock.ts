/**
 * What time it is at the server. Hours are searched, and ages told, by its clock: that of the machine that the browser
 * runs on may be wrong, and an hour that it is ahead would leave "the last hour" empty.
 */

/** Milliseconds by which a clock may differ unnoticed: an answer takes its time. */
const ALIKE = 10_000;

let ahead = 0;

/** Called with the server's time in an answer, and when that came by this machine's clock. */
export function noteServerTime(at: number, received: number): void {
  const differs = received - at;
  ahead = Math.abs(differs) < ALIKE ? 0 : differs;
}

export const serverNow = (): number => Date.now() - ahead;
