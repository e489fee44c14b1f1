import { timeOfId } from '../../../message/id.ts';
import { keyValue } from '../../key-value.ts';
import type { SearchKey } from '../../trace-input.ts';
import { keyForms, storedKey } from '../trace-cipher.ts';
import type { TraceFile } from './trace-file.ts';

/** Every hour of a day: what a search of a whole file names, so that each is one seek. */
const ALL_BUCKETS = Array.from({ length: 24 }, (_, hour) => hour).join(', ');

/** The UTC hour a session began. */
export function bucketOf(sessionId: number): number {
  return Math.floor(timeOfId(sessionId) / 3_600_000) % 24;
}

/** The search keys of one file: values by which a session is found. */
export class KeyTable {
  readonly #file: TraceFile;
  readonly #names = new Set<number>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** Returns whether it is new. Only within a transaction. */
  put(sessionId: number, { name, value }: SearchKey): boolean {
    const key = keyValue(value);
    if (key === '') return false;
    return this.copy(sessionId, { name, value: storedKey(key, this.#file.cipher) });
  }

  /** As it is stored in another file. Only within a transaction. */
  copy(sessionId: number, { name, value }: SearchKey): boolean {
    const added = this.#file.run(
      'INSERT OR IGNORE INTO skey(bucket, name, value, session_id) VALUES(?, ?, ?, ?)',
      bucketOf(sessionId),
      this.#name(name),
      value,
      sessionId,
    );
    return added > 0;
  }

  /** Sessions that have the exact value in any field, newest first. */
  sessionsWith(value: string, limit: number): { field: string; sessionId: number }[] {
    const forms = keyForms(value, this.#file.cipher);
    return this.#file
      .all<{ name: number; session_id: number }>(
        `SELECT name, session_id FROM skey WHERE bucket IN (${ALL_BUCKETS})
           AND name IN (SELECT word FROM key_name) AND value IN (${forms.map(() => '?').join(', ')})
           ORDER BY session_id DESC LIMIT ?`,
        ...forms,
        limit,
      )
      .map((row) => ({ field: this.#file.words.text(row.name), sessionId: row.session_id }));
  }

  fields(): string[] {
    return this.#file
      .all<{ word: number }>('SELECT word FROM key_name')
      .map(({ word }) => this.#file.words.text(word));
  }

  forget(): void {
    this.#names.clear();
  }

  #name(text: string): number {
    const number = this.#file.words.number(text);
    if (!this.#names.has(number)) {
      this.#file.run('INSERT OR IGNORE INTO key_name VALUES(?)', number);
      this.#names.add(number);
    }
    return number;
  }
}
