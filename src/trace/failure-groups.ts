import type { FailureGroup } from './trace-store.ts';

/** Adds up the groups that the parts of a store give. */
export function failureGroups(visible: readonly string[] | undefined): {
  add(group: FailureGroup): void;
  list(): FailureGroup[];
} {
  const groups = new Map<string, FailureGroup>();
  return {
    add(group) {
      if (visible !== undefined && !visible.includes(group.host)) return;
      const key = [group.host, group.status, group.code].join('\n');
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
