import { type MetaRow, numberOf, textOf } from '../../access/meta/meta-database.ts';
import type { ItemEnd, ItemOutcome, ItemState, JobItem } from './job-store.ts';

export const ITEMS = `SELECT n, message_id AS "messageId", state, result_id AS "resultId", code, text, followed, at, outcome,
  outcome_id, outcome_host, outcome_code, outcome_cause FROM job_item`;

/** Of a job: none of its messages is acted on or followed, or will be. */
export const NOTHING_OPEN = `NOT EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.followed = 1)
  AND NOT EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.state IN ('doing', 'waiting'))`;

export function itemOf(row: MetaRow): JobItem {
  const { n, messageId, state, resultId, code, text } = row;
  const isFollowed = resultId !== null && row['followed'] !== null;
  return {
    n: Number(n),
    messageId: Number(messageId),
    state: state as ItemState,
    // set when its order gets a name
    begun: row['followed'] === 0,
    resultId: numberOf(resultId),
    code: textOf(code),
    text: textOf(text),
    outcome: isFollowed ? endOf(row) : undefined,
  };
}

export const endOf = (row: MetaRow): ItemEnd => ({
  state: (row['outcome'] ?? 'under-way') as ItemOutcome,
  messageId: numberOf(row['outcome_id']),
  host: textOf(row['outcome_host']),
  code: textOf(row['outcome_code']),
  cause: textOf(row['outcome_cause']),
});
