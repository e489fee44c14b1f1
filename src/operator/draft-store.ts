import type { MetaDatabase, MetaRow } from '../access/meta/meta-database.ts';
import type { FactorSeal } from '../access/sign-in/factor/factor-seal.ts';
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
  readonly paths: readonly string[];
  /** Undefined if they were sealed with a key that is not here any more. */
  readonly edits: readonly FileEdit[] | undefined;
  /** What its author saw when these edits were tried on real messages. */
  readonly trial?: TrialRecord | undefined;
  readonly state: DraftState;
  readonly decidedBy?: string | undefined;
  readonly decidedAt?: number | undefined;
}

/** Changes that wait for somebody, and what became of those before. */
export interface DraftStore {
  add(
    draft: Pick<FileDraft, 'by' | 'reason' | 'trial'> & { readonly edits: readonly FileEdit[] },
  ): Promise<FileDraft>;
  /** Newest first. */
  list(limit: number): Promise<readonly Omit<FileDraft, 'edits' | 'trial'>[]>;
  find(id: number): Promise<FileDraft | undefined>;
  /** Decides once: whether it was open until now. */
  decide(id: number, state: Exclude<DraftState, 'open'>, by: string): Promise<boolean>;
  /** Keeps of a decided one only these edits: they no longer need secrets. */
  keep(id: number, edits: readonly FileEdit[]): Promise<void>;
  /** Takes a decision back that could not be carried out. */
  reopen(id: number): Promise<void>;
}

/** Decided ones that are kept, newest first, so that edits of large tables do not fill the disk. */
const KEPT = 200;

/**
 * @param seal edits may have newly typed secrets, and backups of the database go elsewhere than
 *   the production's files
 */
export function draftStore(
  database: MetaDatabase,
  seal: FactorSeal,
  now: () => number = Date.now,
): DraftStore {
  const draftOf = (row: MetaRow): FileDraft => ({ ...briefOf(row), ...editsOf(seal, row) });
  return {
    async add({ by, reason, edits, trial }) {
      const row = await database.get(
        `INSERT INTO file_draft(by, at, reason, edits, state) VALUES(?, ?, ?, ?, 'open') RETURNING *`,
        by,
        now(),
        reason,
        sealedText(seal, edits),
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
      (await database.all('SELECT * FROM file_draft ORDER BY id DESC LIMIT ?', limit)).map(briefOf),
    async find(id) {
      const row = await database.get(
        'SELECT d.*, t.trial FROM file_draft d LEFT JOIN file_draft_trial t ON t.draft_id = d.id WHERE d.id = ?',
        id,
      );
      return row === undefined ? undefined : draftOf(row);
    },
    ...decisions(database, seal, now),
  };
}

const decisions = (
  database: MetaDatabase,
  seal: FactorSeal,
  now: () => number,
): Pick<DraftStore, 'decide' | 'keep' | 'reopen'> => ({
  decide: async (id, state, by) =>
    (await database.run(
      `UPDATE file_draft SET state = ?, decided_by = ?, decided_at = ? WHERE id = ? AND state = 'open'`,
      state,
      by,
      now(),
      id,
    )) > 0,
  async keep(id, edits) {
    await database.run('UPDATE file_draft SET edits = ? WHERE id = ?', sealedText(seal, edits), id);
  },
  async reopen(id) {
    await database.run(
      `UPDATE file_draft SET state = 'open', decided_by = NULL, decided_at = NULL WHERE id = ?`,
      id,
    );
  },
});

const orNothing = (value: unknown): unknown => value ?? undefined;

const trialOf = (value: unknown): TrialRecord | undefined =>
  typeof value === 'string' ? (JSON.parse(value) as TrialRecord) : undefined;

/** How edits lie in the database; an earlier version wrote them as a list, in the clear. */
interface SealedEdits {
  readonly paths: readonly string[];
  readonly sealed: string;
}

const LABEL = 'file change';

function sealedText(seal: FactorSeal, edits: readonly FileEdit[]): string {
  const paths = edits.map(({ path }) => path);
  const sealed: SealedEdits = { paths, sealed: seal.seal(LABEL, JSON.stringify(edits)) };
  return JSON.stringify(sealed);
}

/** Seals what an earlier version wrote in the clear. */
export async function sealDrafts(database: MetaDatabase, seal: FactorSeal): Promise<void> {
  for (const row of await database.all(`SELECT id, edits FROM file_draft WHERE edits LIKE '[%'`)) {
    const edits = JSON.parse(String(row['edits'])) as FileEdit[];
    await database.run(
      'UPDATE file_draft SET edits = ? WHERE id = ? AND edits = ?',
      sealedText(seal, edits),
      Number(row['id']),
      String(row['edits']),
    );
  }
}

function pathsOf(row: MetaRow): {
  readonly paths: readonly string[];
  readonly from: SealedEdits | readonly FileEdit[];
} {
  const from = JSON.parse(String(row['edits'])) as SealedEdits | readonly FileEdit[];
  return { from, paths: 'sealed' in from ? from.paths : from.map(({ path }) => path) };
}

function editsOf(seal: FactorSeal, row: MetaRow): Pick<FileDraft, 'edits' | 'trial'> {
  const { from } = pathsOf(row);
  const trial = trialOf(row['trial']);
  if (!('sealed' in from)) return { edits: from, trial };
  const opened = seal.open(LABEL, from.sealed);
  return { edits: opened === undefined ? undefined : (JSON.parse(opened) as FileEdit[]), trial };
}

function briefOf(row: MetaRow): Omit<FileDraft, 'edits' | 'trial'> {
  return {
    id: Number(row['id']),
    by: String(row['by']),
    at: Number(row['at']),
    reason: String(row['reason']),
    paths: pathsOf(row).paths,
    state: row['state'] as DraftState,
    decidedBy: orNothing(row['decided_by']) as string | undefined,
    decidedAt: orNothing(row['decided_at']) as number | undefined,
  };
}
