import { ArrayList } from './array-list.ts';

/**
 * What a script gets for a value that would not be true: a map of Java gives objects, and any object is true. Each is one
 * object, so that two of them are equal.
 */
const OBJECTS = new Map<unknown, unknown>(['', false, 0].map((one) => [one, Object(one)]));

const PUT = new Map([...OBJECTS].map(([value, object]) => [object, value]));

/** What was put into a map, of what it gives to scripts. */
export const bare = (given: unknown): unknown => (PUT.has(given) ? PUT.get(given) : given);

/** A map of variables, with the names that its Java counterpart has. */
export class VariableMap {
  readonly #values: Map<string, unknown>;

  constructor(values: Iterable<readonly [string, unknown]> = []) {
    this.#values = new Map(values);
  }

  get(key: unknown): unknown {
    const value = this.#values.get(String(key)) ?? null;
    return OBJECTS.get(value) ?? value;
  }

  /** Java takes `undefined` as that word. */
  put(key: unknown, value: unknown): void {
    this.#values.set(String(key), value === undefined ? 'undefined' : value);
  }

  containsKey(key: unknown): boolean {
    return this.#values.has(String(key));
  }

  remove(key: unknown): void {
    this.#values.delete(String(key));
  }

  /** A separate map with copies of the values. */
  copy(copied: (value: unknown) => unknown): VariableMap {
    return new VariableMap([...this.#values].map(([key, value]) => [key, copied(value)]));
  }

  putAll(values: VariableMap): void {
    for (const key of values.keySet()) this.put(key, values.get(key));
  }

  values(): unknown[] {
    return new ArrayList([...this.#values.values()]);
  }

  getOrDefault(key: unknown, otherwise: unknown): unknown {
    return this.containsKey(key) ? this.get(key) : otherwise;
  }

  keySet(): string[] {
    return new ArrayList([...this.#values.keys()]) as string[];
  }

  entrySet(): { getKey(): string; getValue(): unknown }[] {
    const entries = [...this.#values].map(([key, value]) => ({
      getKey: () => key,
      getValue: () => value,
    }));
    return new ArrayList(entries) as typeof entries;
  }

  size(): number {
    return this.#values.size;
  }

  isEmpty(): boolean {
    return this.#values.size === 0;
  }

  clear(): void {
    this.#values.clear();
  }
}

/** The configuration map: its values come from the environment. */
class EnvironmentMap extends VariableMap {
  override get(key: unknown): unknown {
    return process.env[String(key)] ?? null;
  }

  override containsKey(key: unknown): boolean {
    return process.env[String(key)] !== undefined;
  }
}

export const configuration: VariableMap = new EnvironmentMap();

/** Kept in the memory of this engine; lost when it ends, and not shared with other engines. */
export const global: VariableMap = new VariableMap();

const ofChannels = new Map<string, VariableMap>();

/** The map shared by all messages of a channel, as long as this engine runs. */
export function ofChannel(channel: string): VariableMap {
  const found = ofChannels.get(channel) ?? new VariableMap();
  ofChannels.set(channel, found);
  return found;
}
