import type { HostEvent } from '../../../src/api/contract/event.ts';

/** What fails so soon after a change of the configuration may come of it. */
const SOON = 3_600_000;

/** The last change of the configuration within the hour before something began. */
export function changeBefore(began: number, events: readonly HostEvent[]): HostEvent | undefined {
  return events
    .filter(
      ({ event, at }) => event === 'configuration-changed' && at <= began && began - at < SOON,
    )
    .toSorted((a, b) => b.at - a.at)[0];
}
