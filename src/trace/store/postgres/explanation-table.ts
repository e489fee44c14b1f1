import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { PostgresSession } from '../../../database/postgres.ts';
import type { Explanation } from '../../../message/record.ts';
import { dayOfSession } from '../day.ts';

/** Explanations: each distinct one of a day is stored once, under a number derived from its hash. */
export class ExplanationTable {
  /** Those of today and yesterday; storing one again after it was forgotten changes nothing. */
  readonly #known = new LRUCache<string, true>({ max: 20_000 });
  #added = new Map<string, { readonly day: string; readonly id: number; readonly json: string }>();

  /** `flush` stores it. */
  number(sessionId: number, explanation: Explanation): number {
    const json = JSON.stringify(explanation);
    // 48 bits: a day has a few thousand different ones
    const id = Number.parseInt(hash('sha256', json, 'hex').slice(0, 12), 16);
    const day = dayOfSession(sessionId);
    const key = `${day} ${id}`;
    if (!this.#known.has(key)) this.#added.set(key, { day, id, json });
    return id;
  }

  async flush(session: PostgresSession): Promise<void> {
    const rows = [...this.#added.values()];
    if (rows.length === 0) return;
    await session.run(
      `INSERT INTO explanation(day, id, json) SELECT * FROM unnest(?::text[], ?::bigint[], ?::text[])
       ON CONFLICT DO NOTHING`,
      rows.map(({ day }) => day),
      rows.map(({ id }) => id),
      rows.map(({ json }) => json),
    );
    for (const key of this.#added.keys()) this.#known.set(key, true);
    this.#added = new Map();
  }

  forget(): void {
    this.#known.clear();
    this.#added = new Map();
  }
}

/** The explanations of some rows of one session, by number. */
export async function readExplanations(
  session: PostgresSession,
  sessionId: number,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, Explanation>> {
  if (numbers.length === 0) return new Map();
  const rows = await session.rows<{ id: number; json: string }>(
    'SELECT id, json FROM explanation WHERE day = ? AND id = ANY(?)',
    dayOfSession(sessionId),
    numbers,
  );
  return new Map(rows.map(({ id, json }) => [id, JSON.parse(json) as Explanation]));
}
