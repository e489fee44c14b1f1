import type { MetaDatabase } from '../../access/meta/meta-database.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { NewJob } from './job-store.ts';

/** Milliseconds after which a job that is still being made is taken to have been left by a process that died. */
const LEFT = 600_000;
/** Milliseconds by which the trace may be behind: what was done in the last of them need not have been in a list. */
const BEHIND = 60_000;

/** A job that sends messages that another one would send too. */
export interface Overlap {
  /** Whether its messages are still being stored. */
  readonly isMaking: boolean;
  /** LIST_OUTDATED */
  readonly error: EngineError;
}

/**
 * A job that sends messages of this one to the same target, or has done so since the list was shown: who ordered this
 * one did not know. Of two ordered at once it is the first.
 */
export async function overlapOf(
  database: MetaDatabase,
  id: number,
  { type, target, list }: Pick<NewJob, 'type' | 'target' | 'list'>,
): Promise<Overlap | undefined> {
  if (type !== 'resend' && type !== 'reprocess') return undefined;
  const now = Date.now();
  const frozen = await database.get<{ created: number }>(
    'SELECT created FROM frozen_list WHERE id = ?',
    list ?? '',
  );
  const shown = frozen?.created ?? now;
  const others = await database.all<{ id: number; by: string; state: string }>(
    `SELECT id, by, state FROM job
      WHERE id <> ? AND type IN ('resend', 'reprocess') AND coalesce(target, '') = ?
        AND (ended > ? OR (ended IS NULL AND (state <> 'making' OR (id < ? AND created > ?))))
      ORDER BY id`,
    id,
    target ?? '',
    shown,
    id,
    now - LEFT,
  );
  for (const other of others) {
    const both = await database.get<{ n: number }>(
      `SELECT count(*) AS n FROM job_item WHERE job_id = ? AND message_id IN
         (SELECT message_id FROM job_item WHERE job_id = ?
            AND (state IN ('waiting', 'doing') OR (state IN ('done', 'uncertain') AND at > ?)))`,
      id,
      other.id,
      shown - BEHIND,
    );
    const count = both?.n ?? 0;
    if (count > 0) return { isMaking: other.state === 'making', error: outdated(count, other) };
  }
  return undefined;
}

function outdated(
  count: number,
  { id, by }: { readonly id: number; readonly by: string },
): EngineError {
  const which = count === 1 ? '1 message of the list is' : `${count} messages of the list are`;
  return new EngineError(
    'LIST_OUTDATED',
    `${which} dealt with by job ${id} of ${by}, which began or ended meanwhile: look at that job, then make the list again`,
  );
}
