import type { Database } from '../../../database/postgres.ts';
import type { HostHour, HostHoursQuery } from '../../trace-query.ts';
import { hostHour, hourAndPart, hoursWithin, type RunningRow } from '../running.ts';
import type { Memory } from './memory.ts';
import type { WordTable } from './word-table.ts';

export async function sawRunning(
  db: Database,
  memory: Memory,
  { hosts, at }: { readonly hosts: readonly string[]; readonly at: number },
): Promise<void> {
  const { hour, bit } = hourAndPart(at);
  await memory.transaction(db, async (session) => {
    await memory.words.add(session, hosts);
    await session.run(
      `INSERT INTO running AS r SELECT ?, host, ? FROM unnest(?::int[]) AS host
         ON CONFLICT(hour, host) DO UPDATE SET parts = r.parts | excluded.parts`,
      hour,
      bit,
      // in one order, so that two planes never wait for each other
      hosts.map((host) => memory.words.number(host)).toSorted((a, b) => a - b),
    );
  });
}

export async function hostHours(
  db: Database,
  words: WordTable,
  { from, to }: HostHoursQuery,
): Promise<HostHour[]> {
  await words.refresh(db);
  const rows = await db.rows<RunningRow>(
    'SELECT hour, host, parts FROM running WHERE hour BETWEEN ? AND ? ORDER BY hour, host',
    ...hoursWithin(from, to),
  );
  return rows.map((row) => hostHour(row, words));
}

/** Removes roll-ups whose messages are gone, and what is known of when hosts ran. */
export async function dropRollUps(db: Database, before: number): Promise<void> {
  await db.run('DELETE FROM statistic WHERE minute < ?', Math.floor(before / 60_000));
  await db.run('DELETE FROM running WHERE hour < ?', hourAndPart(before).hour);
}
