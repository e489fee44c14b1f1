import { type Element, isElement } from './json.ts';
import type { TargetStep } from './read-map.ts';

/** A place in a resource: an element and the name in it, or an entry of a list. */
export interface Slot {
  get(): unknown;
  set(value: unknown): void;
}

/** Goes down to a target and creates what is missing on the way; `add` is a new entry each time. */
export function slotAt(root: Element, steps: readonly TargetStep[]): Slot {
  let holder = root;
  for (const [at, step] of steps.entries()) {
    const slot = slotOf(holder, step);
    if (at === steps.length - 1) return slot;
    const found = slot.get();
    if (isElement(found)) {
      holder = found;
    } else {
      const fresh: Element = {};
      slot.set(fresh);
      holder = fresh;
    }
  }
  return {
    get: () => root,
    set: (value) => {
      if (isElement(value)) Object.assign(root, value);
    },
  };
}

function slotOf(holder: Element, { name, entry }: TargetStep): Slot {
  if (entry === undefined) {
    return {
      get: () => holder[name],
      set: (value) => {
        const before = holder[name];
        holder[name] = isElement(before) && isElement(value) ? { ...before, ...value } : value;
      },
    };
  }
  const list: unknown[] = Array.isArray(holder[name]) ? holder[name] : [];
  holder[name] = list;
  const at = entry === 'add' ? list.length : entry;
  return {
    get: () => list[at],
    set: (value) => {
      const before = list[at];
      list[at] = isElement(before) && isElement(value) ? { ...before, ...value } : value;
    },
  };
}

/** Whether an element begins with the last name of a path, such as `source.endpoint` or `value`. */
export function hasElement(root: Element, path: string): boolean {
  const names = path.split('.');
  let at: unknown = root;
  for (const name of names.slice(0, -1)) {
    const below: unknown = isElement(at) ? at[name] : undefined;
    at = Array.isArray(below) ? below[0] : below;
  }
  const last = names.at(-1) ?? '';
  return isElement(at) && Object.keys(at).some((name) => name.startsWith(last));
}
