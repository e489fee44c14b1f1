import { causeOf } from './cause.ts';
import type { FailureGroup, FailureQuery } from './trace-store.ts';

/** Adds up the groups that the parts of a store give: one a host, status and code, or one a text. */
export function failureGroups({ visible, byCause = false }: FailureQuery): {
  add(group: Omit<FailureGroup, 'cause'>): void;
  list(): FailureGroup[];
} {
  const groups = new Map<string, FailureGroup>();
  return {
    add(found) {
      if (visible !== undefined && !visible.includes(found.host)) return;
      const group = { ...found, cause: byCause ? causeOf(found.text) : '' };
      const key = [group.host, group.status, group.code, group.cause].join('\n');
      const sum = groups.get(key);
      groups.set(key, sum === undefined ? group : plus(sum, group));
    },
    list: () => [...groups.values()].toSorted((a, b) => b.count - a.count),
  };
}

function plus(a: FailureGroup, b: FailureGroup): FailureGroup {
  const newest = a.newestId > b.newestId ? a : b;
  return {
    ...newest,
    count: a.count + b.count,
    first: Math.min(a.first, b.first),
    last: Math.max(a.last, b.last),
  };
}
