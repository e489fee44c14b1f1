import type { HostEvent } from '../../../src/api/contract/event.ts';

/** Failures this soon after a configuration change may be caused by it. */
const SOON = 3_600_000;

/** The last configuration change within the hour before something began. */
export function changeBefore(began: number, events: readonly HostEvent[]): HostEvent | undefined {
  return events
    .filter(
      ({ event, at }) => event === 'configuration-changed' && at <= began && began - at < SOON,
    )
    .toSorted((a, b) => b.at - a.at)[0];
}
