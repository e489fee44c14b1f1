import { pathText } from '../written/written.ts';

/** One value that differs; undefined stands for none. Secrets are shown as they are written: `${secret:NAME}`. */
export interface Change {
  /** Below the host or the production: `settings.connect`, `rules."outpatients".when`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Every value in which two plain trees differ, as deep down as possible. */
export function changes(before: unknown, after: unknown): Change[] {
  return [...differ(before, after, [])];
}

function* differ(
  before: unknown,
  after: unknown,
  keys: readonly (string | number)[],
): Generator<Change> {
  const [a, b] = [named(before), named(after)];
  if (a !== undefined && b !== undefined) {
    const [orderBefore, orderAfter] = [order(before, a, b), order(after, b, a)];
    if (orderBefore !== orderAfter) {
      yield { path: pathText([...keys, 'order']), before: orderBefore, after: orderAfter };
    }
    for (const key of new Set([...a.keys(), ...b.keys()])) {
      yield* differ(a.get(key), b.get(key), [...keys, key]);
    }
  } else if (!isEqual(before, after)) yield { path: pathText(keys), before, after };
}

/** The names of a list's items that both lists have, in their order, which matters for rules. */
function order(
  value: unknown,
  own: ReadonlyMap<string | number, unknown>,
  other: ReadonlyMap<string | number, unknown>,
): string {
  return Array.isArray(value) ? [...own.keys()].filter((name) => other.has(name)).join(', ') : '';
}

/**
 * The parts of a value by name: keys of a block, or items of a list that all have a name of their
 * own, so that a rule put in between does not make all after it differ.
 */
function named(value: unknown): ReadonlyMap<string | number, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((item: unknown) => nameOf(item));
  if (value.length === 0 || new Set(names).size < names.length) return undefined;
  return names.includes(undefined)
    ? undefined
    : new Map(value.map((item: unknown, index) => [nameOf(item) ?? index, item]));
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { name, otherwise } = item as { name?: unknown; otherwise?: unknown };
  if (otherwise !== undefined) return 'otherwise';
  return typeof name === 'string' ? name : undefined;
}

/** Whether two plain values say the same; the order of keys does not matter. */
export function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
