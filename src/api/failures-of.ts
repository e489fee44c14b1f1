import { LRUCache } from 'lru-cache';
import type { Principal } from '../access/rights/principal.ts';
import { background } from '../error/background.ts';
import type { FailureGroup, FailureQuery } from '../trace/trace-store.ts';
import type { ApiContext } from './context.ts';
import { shownTo } from './shown-to.ts';

interface Kept {
  readonly groups: Promise<readonly FailureGroup[]>;
  /** Up to when they are good enough. */
  until: number;
}

/** Counting takes as long as there are failures, and the dashboards ask again and again: at most a twentieth of the time is spent on it. */
const SHARE = 20;
const VIEWERS = 50;
const known = new WeakMap<ApiContext['trace'], LRUCache<string, Kept>>();

/** The failures that somebody sees; where counting them is slow, as they were a moment ago. */
export function failuresOf(
  context: ApiContext,
  query: FailureQuery,
  viewer?: Principal,
): Promise<readonly FailureGroup[]> {
  const { trace } = context;
  const of = known.get(trace) ?? new LRUCache<string, Kept>({ max: VIEWERS });
  known.set(trace, of);
  const key = JSON.stringify([viewer?.name, query]);
  const before = of.get(key);
  if (before !== undefined && performance.now() < before.until) return before.groups;
  const began = performance.now();
  const shown = viewer === undefined ? undefined : shownTo(context, viewer);
  const kept: Kept = {
    groups: trace.failures(query, shown),
    until: Number.POSITIVE_INFINITY,
  };
  of.set(key, kept);
  const settle = async (): Promise<void> => {
    try {
      await kept.groups;
      const now = performance.now();
      kept.until = now + SHARE * (now - began);
    } catch {
      // whoever asked gets the error
      of.delete(key);
    }
  };
  background(settle(), 'counting failures');
  return kept.groups;
}
