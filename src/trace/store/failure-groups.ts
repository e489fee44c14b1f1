import type { Status } from '../../message/status.ts';
import { causeOfFailure } from '../cause.ts';
import { type ShownTo, shownFailure } from '../shown-to.ts';
import type { FailureGroup, FailureQuery } from '../trace-store.ts';
import type { Words } from './message-columns.ts';
import { statusOfCode } from './stored-code.ts';

/** A group from one part of a store: one per host, status and code, or one per text. */
export interface FailureRow {
  readonly target: number;
  /** Where its messages came from; only distinguished for viewers who see some hosts. */
  readonly source: number | null;
  readonly status: number;
  readonly error_code: number | null;
  readonly n: number;
  readonly first: number;
  readonly last: number;
  readonly newest: number;
  /** The text of the newest one. */
  readonly error: string | null;
  /** Its peer's text. */
  readonly said: string | null;
}

/** The default statuses. */
export const FAILURES: readonly Status[] = ['error', 'suspended'];

/** Adds up the groups from the parts of a store. */
export function failureGroups(
  { visible, byCause = false }: FailureQuery,
  shown?: ShownTo,
): {
  add(row: FailureRow, words: Pick<Words, 'text'>): void;
  list(): FailureGroup[];
} {
  const groups = new Map<string, FailureGroup>();
  return {
    add(row, words) {
      const target = words.text(row.target);
      if (visible !== undefined && !visible.includes(target)) return;
      const source = row.source === null ? '' : words.text(row.source);
      const code = row.error_code === null ? '' : words.text(row.error_code);
      const error = { text: row.error ?? '', said: row.said ?? undefined };
      const failure = shownFailure({ source, target, error }, visible, shown);
      const group: FailureGroup = {
        host: target,
        status: statusOfCode(row.status),
        code,
        cause: byCause ? causeOfFailure(failure) : '',
        ...failure,
        count: row.n,
        first: row.first,
        last: row.last,
        newestId: row.newest,
      };
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
