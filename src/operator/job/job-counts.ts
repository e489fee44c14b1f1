import { createHash } from 'node:crypto';
import type { MetaSession } from '../../access/meta/meta-database.ts';
import { ITEM_OUTCOMES, type ItemOutcome, type ItemState, type JobCounts } from './job-store.ts';
import { padded } from './row-lists.ts';

/*
 * How many messages of a job are in which state, and what became of them and why, kept beside them:
 * counting 100,000 whenever somebody looks would hold up the console.
 */

/** Messages made by an older version are not followed, and have no outcome. */
export const OUTCOME = `CASE WHEN result_id IS NULL OR followed IS NULL THEN NULL ELSE coalesce(outcome, 'under-way') END`;

/** Messages of a job that are alike. */
interface Alike {
  readonly state: ItemState;
  readonly outcome: ItemOutcome | null;
  readonly host: string | null;
  readonly code: string | null;
  readonly cause: string | null;
}

interface Group extends Alike {
  /** One of the messages that decided it. */
  readonly sample: number | null;
  readonly n: number;
}

const groups = (
  session: MetaSession,
  id: number,
  where: string,
  values: readonly number[],
): Promise<Group[]> =>
  session.all<Group>(
    `SELECT state, ${OUTCOME} AS outcome, outcome_host AS host, outcome_code AS code, outcome_cause AS cause,
       max(outcome_id) AS sample, count(*) AS n FROM job_item WHERE job_id = ? ${where} GROUP BY 1, 2, 3, 4, 5`,
    id,
    ...values,
  );

/** Runs what changes these messages of a job, and corrects its counts. Only within a transaction. */
export async function changing<Result>(
  session: MetaSession,
  id: number,
  ns: readonly number[],
  change: () => Promise<Result>,
): Promise<Result> {
  if (ns.length === 0) return change();
  const list = padded(ns);
  const where = `AND n IN (${list.map(() => '?').join(', ')})`;
  const before = await groups(session, id, where, list);
  const result = await change();
  await add(session, id, before, await groups(session, id, where, list));
  return result;
}

/** Counts the messages of a new job. */
export function countNew(session: MetaSession, id: number, n: number): Promise<void> {
  const none = { outcome: null, host: null, code: null, cause: null, sample: null };
  return add(session, id, [], [{ state: 'waiting', ...none, n }]);
}

async function add(
  session: MetaSession,
  id: number,
  before: readonly Group[],
  after: readonly Group[],
): Promise<void> {
  const sums = new Map<string, Group>();
  for (const [all, sign] of [
    [before, -1],
    [after, 1],
  ] as const)
    for (const group of all) {
      const key = keyOf(group);
      const sum = (sums.get(key)?.n ?? 0) + sign * group.n;
      sums.set(key, { ...group, n: sum, sample: sign > 0 ? group.sample : null });
    }
  for (const [key, { state, outcome, host, code, cause, sample, n }] of sums) {
    if (n === 0) continue;
    await session.run(
      `INSERT INTO job_count(job_id, label, state, outcome, host, code, cause, sample, n) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT(job_id, label) DO UPDATE SET n = job_count.n + excluded.n,
           sample = coalesce(excluded.sample, job_count.sample)`,
      id,
      key,
      state,
      outcome,
      host,
      code,
      cause,
      sample,
      n,
    );
  }
  await session.run('DELETE FROM job_count WHERE job_id = ? AND n = 0', id);
}

/** Short, whatever the cause: it is part of a key. */
const keyOf = ({ state, outcome, host, code, cause }: Alike): string =>
  createHash('sha256')
    .update(JSON.stringify([state, outcome, host, code, cause]))
    .digest('base64url');

/** What is kept of a job; groups that an older version counted may come twice, and sum up to nothing. */
export const keptGroups = (session: MetaSession, id: number): Promise<Group[]> =>
  session.all<Group>(
    'SELECT state, outcome, host, code, cause, sample, n FROM job_count WHERE job_id = ?',
    id,
  );

export async function countsOf(session: MetaSession, id: number): Promise<JobCounts> {
  const rows = await keptGroups(session, id);
  const sum = (fits: (row: Group) => boolean): number =>
    rows.filter(fits).reduce((all, { n }) => all + n, 0);
  const became = Object.fromEntries(
    ITEM_OUTCOMES.map((one) => [one, sum(({ outcome }) => outcome === one)]),
  ) as Record<ItemOutcome, number>;
  return {
    total: sum(() => true),
    done: sum(({ state }) => state === 'done'),
    failed: sum(({ state }) => state === 'failed' || state === 'uncertain'),
    became: rows.some(({ outcome }) => outcome !== null) ? became : undefined,
  };
}
