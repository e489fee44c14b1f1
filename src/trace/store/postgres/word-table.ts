import type { PostgresSession } from '../../../database/postgres.ts';
import type { WordSearch } from '../conditions.ts';
import type { Words } from '../message-columns.ts';

interface WordRow {
  readonly id: number;
  readonly text: string;
}

/**
 * The word table, completely in memory: a few hundred hosts, types and codes. Another operator
 * plane may add words, so `refresh` reads the new ones before rows are read.
 */
export class WordTable implements Words, WordSearch {
  readonly like = 'ILIKE';
  readonly listed = 'SELECT value::bigint FROM json_array_elements_text(?::json)';
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<number, string>();
  #last = 0;

  /** Reads words that were added since. */
  async refresh(session: PostgresSession): Promise<void> {
    const rows = await session.rows<WordRow>('SELECT id, text FROM word WHERE id > ?', this.#last);
    this.#remember(rows);
  }

  /** Assigns numbers to texts without one. */
  async add(session: PostgresSession, texts: Iterable<string>): Promise<void> {
    const missing = [...new Set(texts)].filter((text) => !this.#numbers.has(text));
    if (missing.length === 0) return;
    await session.run(
      'INSERT INTO word(text) SELECT * FROM unnest(?::text[]) ON CONFLICT DO NOTHING',
      missing,
    );
    const rows = await session.rows<WordRow>(
      'SELECT id, text FROM word WHERE text = ANY(?)',
      missing,
    );
    // not `#last`: words of others may be in between, and still have to be read
    for (const { id, text } of rows) {
      this.#numbers.set(text, id);
      this.#texts.set(id, text);
    }
  }

  /** Only for texts that were added. */
  number(text: string): number {
    return this.#numbers.get(text) ?? 0;
  }

  text(number: number): string {
    return this.#texts.get(number) ?? '';
  }

  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  matching(part: string): number[] {
    const lower = part.toLowerCase();
    return [...this.#numbers]
      .filter(([text]) => text.toLowerCase().includes(lower))
      .map(([, number]) => number);
  }

  /** After a rollback: its words do not exist. */
  forget(): void {
    this.#numbers.clear();
    this.#texts.clear();
    this.#last = 0;
  }

  #remember(rows: readonly WordRow[]): void {
    for (const { id, text } of rows) {
      this.#numbers.set(text, id);
      this.#texts.set(id, text);
      this.#last = Math.max(this.#last, id);
    }
  }
}
