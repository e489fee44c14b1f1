import { type Element, isElement } from '../v2/json.ts';

/** A value and where it is: in an element by its name, or in a list by its position. */
export interface Placed {
  readonly holder: object;
  readonly key: string | number;
  readonly value: unknown;
}

/** Which values of the resources are in the message. */
export class Uses {
  readonly #used = new Map<object, Set<string | number>>();

  use({ holder, key }: Placed): void {
    const keys = this.#used.get(holder);
    if (keys === undefined) this.#used.set(holder, new Set([key]));
    else keys.add(key);
  }

  /** Everything below counts as used, too. */
  useAll(found: Placed): void {
    this.use(found);
    for (const part of partsOf(found.value)) this.useAll(part);
  }

  /** What an element has by these names counts as used. */
  useIn(element: Element, names: readonly string[]): void {
    for (const name of names) {
      const found = below(element, name);
      if (found !== undefined) this.useAll(found);
    }
  }

  has({ holder, key }: Placed): boolean {
    return this.#used.get(holder)?.has(key) === true;
  }
}

/** What an element or list holds. */
export function partsOf(value: unknown): Placed[] {
  if (Array.isArray(value)) {
    return value.map((one: unknown, key) => ({ holder: value, key, value: one }));
  }
  if (!isElement(value)) return [];
  return Object.keys(value).map((key) => ({ holder: value, key, value: value[key] }));
}

/** An element by its name; undefined if there is none. */
export function below(element: Element, name: string): Placed | undefined {
  if (!Object.hasOwn(element, name)) return undefined;
  const value = element[name];
  return value === undefined || value === null ? undefined : { holder: element, key: name, value };
}

/** The elements of a list; a lone element counts as a list of one. */
export function entries(element: Element, name: string): Placed[] {
  const found = below(element, name);
  if (found === undefined) return [];
  return Array.isArray(found.value) ? partsOf(found.value) : [found];
}

/** A primitive as text; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // a number whose digits were kept
  const raw: unknown = Object(value).rawJSON;
  return typeof raw === 'string' && typeof value === 'object' ? raw : undefined;
}

/** The text of an element by its name. */
export const textIn = (element: Element, name: string): string | undefined =>
  textOf(below(element, name)?.value);
