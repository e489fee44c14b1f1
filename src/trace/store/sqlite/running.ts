import type { HostHour, HostHoursQuery } from '../../trace-query.ts';
import { hostHour, hourAndPart, hoursWithin, type RunningRow } from '../running.ts';
import type { TraceFiles } from './trace-files.ts';

export function sawRunning({ held }: TraceFiles, hosts: readonly string[], at: number): void {
  const { hour, bit } = hourAndPart(at);
  held.transaction(() => {
    for (const host of hosts) {
      held.run(
        `INSERT INTO running VALUES(?, ?, ?)
           ON CONFLICT(hour, host) DO UPDATE SET parts = parts | excluded.parts`,
        hour,
        held.words.number(host),
        bit,
      );
    }
  });
}

export function hostHours({ held }: TraceFiles, { from, to }: HostHoursQuery): HostHour[] {
  return held
    .all<RunningRow>(
      'SELECT hour, host, parts FROM running WHERE hour BETWEEN ? AND ? ORDER BY hour, host',
      ...hoursWithin(from, to),
    )
    .map((row) => hostHour(row, held.words));
}

/** Removes roll-ups whose messages are gone, and what is known of when hosts ran. */
export function dropRollUps({ held }: TraceFiles, before: number): void {
  held.transaction(() => {
    held.run('DELETE FROM statistic WHERE minute < ?', Math.floor(before / 60_000));
    held.run('DELETE FROM running WHERE hour < ?', hourAndPart(before).hour);
  });
}
