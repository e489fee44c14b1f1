import { ArrayList } from '../array-list.ts';
import { VariableMap } from '../maps.ts';

export { ArrayList } from '../array-list.ts';

/** A list without duplicates. */
export class HashSet extends ArrayList {
  override add(value: unknown): boolean {
    return !this.includes(value) && this.push(value) > 0;
  }

  override addAll(values: Iterable<unknown>): boolean {
    const known = new Set<unknown>(this);
    for (const value of values) {
      if (!known.has(value)) this.push(value);
      known.add(value);
    }
    return true;
  }
}

export class HashMap extends VariableMap {
  /** `Maps.map().add('name', value)`. */
  add(key: unknown, value: unknown): this {
    this.put(key, value);
    return this;
  }
}

/** `Lists.list(…)` and `Maps.map(…)` as scripts use them. */
export const Lists = {
  list: (...given: readonly unknown[]): ArrayList => new ArrayList(given),
};

export const Maps = {
  map: (...given: readonly unknown[]): HashMap => {
    const made = new HashMap();
    for (let at = 0; at + 1 < given.length; at += 2) made.put(given[at], given[at + 1]);
    return made;
  },
};
