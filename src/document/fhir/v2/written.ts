import type { Element } from './json.ts';
import type { Part } from './part.ts';

interface Writers {
  /** The fields that say it. */
  readonly parts: Set<Part>;
  readonly value: unknown;
}

/**
 * Which fields the elements of resources were written from. A field that a later one replaces, and that is nowhere else,
 * counts as not mapped.
 */
export class Written {
  readonly #writers = new Map<Element, Map<string, Writers>>();
  /** In how many places each field is. */
  readonly #places = new Map<Part, number>();

  /** A field stands beside what others wrote. */
  add(part: Part): void {
    this.#places.set(part, (this.#places.get(part) ?? 0) + 1);
  }

  /** A field is an element that occurs once. @returns what another field said there, if it was something else */
  put(part: Part, root: Element, { path, value }: { path: string; value: unknown }): unknown {
    const writers = this.#writers.get(root) ?? new Map<string, Writers>();
    this.#writers.set(root, writers);
    const before = writers.get(path);
    const isSame = before !== undefined && isEqual(before.value, value);
    const parts = isSame ? before.parts : new Set<Part>();
    if (!parts.has(part)) this.add(part);
    parts.add(part);
    writers.set(path, { parts, value });
    if (before === undefined || isSame) return undefined;
    for (const one of before.parts) this.#leave(one);
    return before.value;
  }

  #leave(part: Part): void {
    const left = (this.#places.get(part) ?? 0) - 1;
    this.#places.set(part, left);
    if (left <= 0) part.leaveAll();
  }
}

const isEqual = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);
