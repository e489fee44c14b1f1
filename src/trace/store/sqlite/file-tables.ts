import { hash } from 'node:crypto';
import { timeOfId } from '../../../message/id.ts';
import type { Explanation } from '../../../message/record.ts';
import { keyValue } from '../../key-value.ts';
import type { ScopeId } from '../../scope.ts';
import type { SearchKey } from '../../trace-input.ts';
import type { WordSearch } from '../conditions.ts';
import type { Words } from '../message-columns.ts';
import { keyForms, storedKey } from '../trace-cipher.ts';
import type { TraceFile } from './trace-file.ts';

/** The cached word table of one file. */
export class WordTable implements Words, WordSearch {
  readonly like = 'LIKE';
  readonly listed = 'SELECT value FROM json_each(?)';
  readonly #file: TraceFile;
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** The number of a text, assigned if it has none. Only within a transaction. */
  number(text: string): number {
    const known = this.find(text);
    if (known !== undefined) return known;
    const number = this.#file.insert('INSERT INTO word(text) VALUES(?)', text);
    this.#remember(number, text);
    return number;
  }

  /** The number of a text, if this file has it. */
  find(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const row = this.#file.first<{ id: number }>('SELECT id FROM word WHERE text=?', text);
    if (row !== undefined) this.#remember(row.id, text);
    return row?.id;
  }

  /** The numbers of all texts that contain `part`, ignoring case. */
  matching(part: string): number[] {
    return this.#file
      .all<{ id: number }>('SELECT id FROM word WHERE instr(lower(text), lower(?)) > 0', part)
      .map(({ id }) => id);
  }

  text(number: number): string {
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const row = this.#file.first<{ text: string }>('SELECT text FROM word WHERE id=?', number);
    if (row === undefined) return '';
    this.#remember(number, row.text);
    return row.text;
  }

  forget(): void {
    this.#numbers.clear();
    this.#texts.clear();
  }

  #remember(number: number, text: string): void {
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
  }
}

const REMEMBERED = 2_000;

/**
 * Explanations: each distinct one is stored once, since a router explains most of its messages in
 * the same few ways.
 */
export class ExplanationTable {
  readonly #file: TraceFile;
  readonly #numbers = new Map<string, number>();
  /** Messages that took the same path have the same object. */
  #known = new WeakMap<Explanation, number>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** Only within a transaction. */
  number(explanation: Explanation): number {
    const known = this.#known.get(explanation) ?? this.#find(explanation);
    this.#known.set(explanation, known);
    return known;
  }

  #find(explanation: Explanation): number {
    const json = JSON.stringify(explanation);
    const known = this.#numbers.get(json);
    if (known !== undefined) return known;
    const digest = hash('sha256', json, 'buffer').subarray(0, 16);
    const row = this.#file.first<{ id: number }>('SELECT id FROM explanation WHERE hash=?', digest);
    const number =
      row?.id ??
      this.#file.insert('INSERT INTO explanation(hash, json) VALUES(?, ?)', digest, json);
    if (this.#numbers.size >= REMEMBERED) this.#numbers.clear();
    this.#numbers.set(json, number);
    return number;
  }

  get(number: number): Explanation | undefined {
    const row = this.#file.first<{ json: string }>(
      'SELECT json FROM explanation WHERE id=?',
      number,
    );
    return row === undefined ? undefined : (JSON.parse(row.json) as Explanation);
  }

  forget(): void {
    this.#numbers.clear();
    this.#known = new WeakMap();
  }
}

/** Every hour of a day, listed in a search of a whole file so that each is one seek. */
export const ALL_BUCKETS = Array.from({ length: 24 }, (_, hour) => hour).join(', ');

/** The UTC hour a scope began. */
export function bucketOf(scope: ScopeId): number {
  return Math.floor(timeOfId(scope) / 3_600_000) % 24;
}

/** The search keys of one file: values by which a scope is found. */
export class KeyTable {
  readonly #file: TraceFile;
  readonly #names = new Set<number>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** Returns whether it is new. Only within a transaction. */
  put(scope: ScopeId, { name, value }: SearchKey): boolean {
    const key = keyValue(value);
    if (key === '') return false;
    return this.copy(scope, { name, value: storedKey(key, this.#file.cipher) });
  }

  /** In the form stored in another file. Only within a transaction. */
  copy(scope: ScopeId, { name, value }: SearchKey): boolean {
    const added = this.#file.run(
      'INSERT OR IGNORE INTO skey(bucket, name, value, session_id) VALUES(?, ?, ?, ?)',
      bucketOf(scope),
      this.#name(name),
      value,
      scope,
    );
    return added > 0;
  }

  /** Scopes that have the exact value in any field, newest first. */
  scopesWith(value: string, limit: number): { field: string; scope: ScopeId }[] {
    const forms = keyForms(value, this.#file.cipher);
    return this.#file
      .all<{ name: number; session_id: number }>(
        `SELECT name, session_id FROM skey WHERE bucket IN (${ALL_BUCKETS})
           AND name IN (SELECT word FROM key_name) AND value IN (${forms.map(() => '?').join(', ')})
           ORDER BY session_id DESC LIMIT ?`,
        ...forms,
        limit,
      )
      .map((row) => ({ field: this.#file.words.text(row.name), scope: row.session_id }));
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
