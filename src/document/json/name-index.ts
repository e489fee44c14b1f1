import { NUMBERS, type Places, stringEnd } from './member-places.ts';

/** The name of the member that begins at a place of a text. */
export function nameAt(text: string, start: number): string {
  const end = stringEnd(text, start);
  const written = text.slice(start + 1, end - 1);
  return written.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : written;
}

/**
 * Where each name of a large object stands: a table of indices by the hash of the name, since a map with the names
 * themselves would take ten times their text.
 */
export class NameIndex {
  readonly #text: string;
  readonly #places: Places;
  /** The index of a member and one, or 0; twice as many as there are members at least. */
  readonly #table: Uint32Array;

  constructor(text: string, places: Places) {
    this.#text = text;
    this.#places = places;
    const count = places.length / NUMBERS;
    this.#table = new Uint32Array(2 ** Math.ceil(Math.log2(count * 2 + 1)));
    for (let index = 0; index < count; index++) {
      this.#table[this.#slot(this.#name(index))] = index + 1;
    }
  }

  /** The last member of a name; −1 if there is none. */
  indexOf(key: string): number {
    return (this.#table[this.#slot(key)] ?? 0) - 1;
  }

  #name(index: number): string {
    return nameAt(this.#text, this.#places[index * NUMBERS] ?? 0);
  }

  /** Where a name is in the table, or would be. */
  #slot(key: string): number {
    const mask = this.#table.length - 1;
    for (let slot = hashOf(key) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#table[slot] ?? 0;
      if (found === 0 || this.#name(found - 1) === key) return slot;
    }
  }
}

/** Differs from process to process: whoever knew it could send names that all fall into one place. */
const SEED = Math.trunc(Math.random() * 2 ** 32);

function hashOf(key: string): number {
  let hash = SEED;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
