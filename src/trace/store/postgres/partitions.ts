import type { PostgresSession } from '../../../database/postgres.ts';
import { idAtTime } from '../../../message/id.ts';
import { endOfDay, startOfDay } from '../day.ts';
import { PARTITIONED } from './schema.ts';

export type PartitionedTable = (typeof PARTITIONED)[number];

/** `message_20261124`. */
export function partition(table: PartitionedTable, day: string): string {
  return `${table}_${day.replaceAll('-', '')}`;
}

/** The bounds of a day's sessions: the first, and the first of the next day. */
export function boundsOf(day: string): { readonly first: number; readonly next: number } {
  return { first: idAtTime(startOfDay(day)), next: idAtTime(endOfDay(day)) };
}

/** The days with partitions. Days removed by a purge are before the horizon and no longer have one. */
export class Partitions {
  readonly #days = new Set<string>();
  #horizon = '';

  /** Reads what another operator plane may have changed. */
  async refresh(session: PostgresSession): Promise<void> {
    this.#days.clear();
    for (const { day } of await session.rows<{ day: string }>('SELECT day FROM day')) {
      this.#days.add(day);
    }
    const [horizon] = await session.rows<{ value: string }>(
      `SELECT value FROM note WHERE name = 'horizon'`,
    );
    this.#horizon = horizon?.value ?? '';
  }

  has(day: string): boolean {
    return this.#days.has(day);
  }

  /** Newest first. */
  days(): string[] {
    return [...this.#days].toSorted((a, b) => (a < b ? 1 : -1));
  }

  /** Days up to this one have been removed. */
  horizon(): string {
    return this.#horizon;
  }

  /** Creates missing partitions of days. Only within a transaction. */
  async ensure(session: PostgresSession, days: Iterable<string>): Promise<void> {
    const missing = [...new Set(days)].filter((day) => !this.#days.has(day) && day > this.#horizon);
    if (missing.length === 0) return;
    await this.refresh(session);
    for (const day of missing) if (!this.#days.has(day)) await this.#make(session, day);
  }

  /** A table that is created separately and then attached only locks the others for a moment. */
  async #make(session: PostgresSession, day: string): Promise<void> {
    const { first, next } = boundsOf(day);
    for (const table of PARTITIONED) {
      const name = partition(table, day);
      await session.run(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`);
      await session.run(
        `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${first}) TO (${next})`,
      );
    }
    await session.run(
      `INSERT INTO day(day, search) VALUES(?, (SELECT value FROM note WHERE name = 'fields'))`,
      day,
    );
    this.#days.add(day);
  }

  forget(): void {
    this.#days.clear();
    this.#horizon = '';
  }
}
