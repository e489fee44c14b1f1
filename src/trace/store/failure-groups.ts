import { causeOf } from '../cause.ts';
import { type ShownTo, shownErrorText } from '../shown-to.ts';
import type { FailureGroup, FailureQuery } from '../trace-store.ts';

/** A group as a part of a store gives it. */
export interface FoundGroup extends Omit<FailureGroup, 'cause'> {
  /** Where its messages came from; told apart only for one who sees some hosts. */
  readonly source?: string | undefined;
}

/** Adds up the groups that the parts of a store give: one a host, status and code, or one a text. */
export function failureGroups(
  { visible, byCause = false }: FailureQuery,
  shown?: ShownTo,
): {
  add(group: FoundGroup): void;
  list(): FailureGroup[];
} {
  const groups = new Map<string, FailureGroup>();
  return {
    add({ source = '', ...found }) {
      const { host: target, code } = found;
      if (visible !== undefined && !visible.includes(target)) return;
      const error = { code, text: found.text, retryable: false };
      const text = shownErrorText({ source, target, error }, visible, shown);
      const group = { ...found, text, cause: byCause ? causeOf(text) : '' };
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
