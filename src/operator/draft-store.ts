import type { MetaDatabase } from '../access/meta/meta-database.ts';
import type { FileEdit } from '../definition/history/checked-files.ts';
import type { TrialRecord } from './trial-records.ts';

/** What became of a proposal. */
export type DraftState = 'open' | 'applied' | 'refused';

/** A change of the production's files that somebody proposed. */
export interface FileDraft {
  readonly id: number;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
  readonly edits: readonly FileEdit[];
  /** What its author saw when these edits were tried on real messages. */
  readonly trial?: TrialRecord | undefined;
  readonly state: DraftState;
  readonly decidedBy?: string | undefined;
  readonly decidedAt?: number | undefined;
}

/** Changes that wait for somebody, and what became of those before. */
export interface DraftStore {
  add(draft: Pick<FileDraft, 'by' | 'reason' | 'edits' | 'trial'>): Promise<FileDraft>;
  /** Newest first. */
  list(limit: number): Promise<readonly FileDraft[]>;
  find(id: number): Promise<FileDraft | undefined>;
  /** Decides once: whether it was open until now. */
  decide(id: number, state: Exclude<DraftState, 'open'>, by: string): Promise<boolean>;
  /** Takes a decision back that could not be carried out. */
  reopen(id: number): Promise<void>;
}

/** Decided ones that are kept, newest first, so that edits of large tables do not fill the disk. */
const KEPT = 200;

export function draftStore(database: MetaDatabase, now: () => number = Date.now): DraftStore {
  return {
    async add({ by, reason, edits, trial }) {
      const row = await database.get(
        `INSERT INTO file_draft(by, at, reason, edits, state) VALUES(?, ?, ?, ?, 'open') RETURNING *`,
        by,
        now(),
        reason,
        JSON.stringify(edits),
      );
      const draft = draftOf(row ?? {});
      if (trial !== undefined)
        await database.run(
          'INSERT INTO file_draft_trial VALUES(?, ?)',
          draft.id,
          JSON.stringify(trial),
        );
      await database.run(
        `DELETE FROM file_draft WHERE state <> 'open' AND id NOT IN
           (SELECT id FROM file_draft WHERE state <> 'open' ORDER BY id DESC LIMIT ?)`,
        KEPT,
      );
      await database.run(
        'DELETE FROM file_draft_trial WHERE draft_id NOT IN (SELECT id FROM file_draft)',
      );
      return draft;
    },
    list: async (limit) =>
      (await database.all('SELECT * FROM file_draft ORDER BY id DESC LIMIT ?', limit)).map(draftOf),
    async find(id) {
      const row = await database.get(
        'SELECT d.*, t.trial FROM file_draft d LEFT JOIN file_draft_trial t ON t.draft_id = d.id WHERE d.id = ?',
        id,
      );
      return row === undefined ? undefined : draftOf(row);
    },
    decide: async (id, state, by) =>
      (await database.run(
        `UPDATE file_draft SET state = ?, decided_by = ?, decided_at = ? WHERE id = ? AND state = 'open'`,
        state,
        by,
        now(),
        id,
      )) > 0,
    async reopen(id) {
      await database.run(
        `UPDATE file_draft SET state = 'open', decided_by = NULL, decided_at = NULL WHERE id = ?`,
        id,
      );
    },
  };
}

const orNothing = (value: unknown): unknown => value ?? undefined;

const trialOf = (value: unknown): TrialRecord | undefined =>
  typeof value === 'string' ? (JSON.parse(value) as TrialRecord) : undefined;

function draftOf(row: Readonly<Record<string, unknown>>): FileDraft {
  return {
    id: Number(row['id']),
    by: String(row['by']),
    at: Number(row['at']),
    reason: String(row['reason']),
    edits: JSON.parse(String(row['edits'])) as FileEdit[],
    trial: trialOf(row['trial']),
    state: row['state'] as DraftState,
    decidedBy: orNothing(row['decided_by']) as string | undefined,
    decidedAt: orNothing(row['decided_at']) as number | undefined,
  };
}
