import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FileEdit } from '../definition/history/checked-files.ts';
import type { RehearsedGroup, RehearsedPart } from '../definition/rehearsal.ts';
import { withMore } from './rehearse-all.ts';

/** What a trial of edited files said of real messages, as far as it went. */
export interface TrialRecord {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly total: number;
  readonly done: number;
  readonly groups: readonly RehearsedGroup[];
}

interface Known extends TrialRecord {
  /** Of the edits that were tried. */
  readonly digest: string;
}

/** Trials of edits that were not written, so that whoever approves a change sees what its author saw: from here, not from the author. */
export interface TrialRecords {
  add(
    run: string,
    of: Pick<Known, 'by' | 'total'> & { readonly edits: readonly FileEdit[] },
    part: RehearsedPart,
  ): void;
  /** The trial of exactly these edits by somebody; undefined if there was none, or it was long ago. */
  find(run: string, by: string, edits: readonly FileEdit[]): TrialRecord | undefined;
}

const KEPT = 100;
/** Kinds of results that are kept of one trial. */
const GROUPS = 100;
const keyOf = (run: string, by: string): string => `${by} ${run}`;

export function trialRecords(now: () => number = Date.now): TrialRecords {
  const known = new LRUCache<string, Known>({ max: KEPT });
  return {
    add(run, { by, total, edits }, { groups, done }) {
      const digest = editsDigest(edits);
      const before = known.get(keyOf(run, by));
      const same = before?.digest === digest ? before : undefined;
      known.set(keyOf(run, by), {
        by,
        at: now(),
        digest,
        total,
        done: (same?.done ?? 0) + done,
        groups: withMore(same?.groups ?? [], groups).slice(0, GROUPS),
      });
    },
    find(run, by, edits) {
      const found = known.get(keyOf(run, by));
      if (found === undefined || found.digest !== editsDigest(edits)) return undefined;
      const { digest: _digest, ...record } = found;
      return record;
    },
  };
}

/** Names edits by what they say. */
export function editsDigest(edits: readonly FileEdit[]): string {
  const sorted = edits.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const text = JSON.stringify(sorted.map(({ path, text: is }) => [path, is]));
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
