/** Removals after which a collection of few is made anew. */
const SOON = 64;

/**
 * A Map of what is in hand for a moment. The tables of V8's own lead each to the one that replaced it: one that grew old
 * while there was little to do keeps all later ones, and what was in them, until the whole memory is collected. With a few
 * messages in hand at a time nothing of any is forgotten then, and collecting costs more than the messages. This one is made
 * anew before much hangs on an old table. Something that is removed in a loop over it may still come in that loop.
 */
export class PassingMap<Key, One> {
  #all = new Map<Key, One>();
  #removed = 0;

  get size(): number {
    return this.#all.size;
  }

  has(key: Key): boolean {
    return this.#all.has(key);
  }

  get(key: Key): One | undefined {
    return this.#all.get(key);
  }

  set(key: Key, one: One): void {
    this.#all.set(key, one);
  }

  delete(key: Key): boolean {
    if (!this.#all.delete(key)) return false;
    this.#removed += 1;
    if (isDue(this.#removed, this.#all.size)) {
      this.#all = new Map(this.#all);
      this.#removed = 0;
    }
    return true;
  }

  clear(): void {
    this.#all = new Map();
    this.#removed = 0;
  }

  values(): Iterable<One> {
    return this.#all.values();
  }

  [Symbol.iterator](): Iterator<[Key, One]> {
    return this.#all[Symbol.iterator]();
  }
}

/** A Set of what is in hand for a moment, as `PassingMap`. */
export class PassingSet<One> {
  #all = new Set<One>();
  #removed = 0;

  get size(): number {
    return this.#all.size;
  }

  has(one: One): boolean {
    return this.#all.has(one);
  }

  add(one: One): void {
    this.#all.add(one);
  }

  delete(one: One): boolean {
    if (!this.#all.delete(one)) return false;
    this.#removed += 1;
    if (isDue(this.#removed, this.#all.size)) {
      this.#all = new Set(this.#all);
      this.#removed = 0;
    }
    return true;
  }

  clear(): void {
    this.#all = new Set();
    this.#removed = 0;
  }

  [Symbol.iterator](): Iterator<One> {
    return this.#all[Symbol.iterator]();
  }
}

/** Copying it costs less for each removal than the removal. */
const isDue = (removed: number, left: number): boolean => removed >= SOON && removed >= left;
