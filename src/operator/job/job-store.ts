import type { MetaDatabase, MetaSession } from '../../access/meta/meta-database.ts';
import type { Orderer } from '../../access/rights/orderer.ts';
import { EngineError } from '../../error/engine-error.ts';

export const JOB_TYPES = ['resend', 'discard', 'abort', 'set-aside'] as const;
/** `stopped`: who ordered it may not do it any longer. */
export const JOB_STATES = ['running', 'finished', 'cancelled', 'stopped'] as const;
/** `uncertain`: the operator plane ended while it was done; look at the message before doing it again. */
export const ITEM_STATES = [
  'waiting',
  'doing',
  'done',
  'failed',
  'uncertain',
  'cancelled',
] as const;

export type JobType = (typeof JOB_TYPES)[number];
export type JobState = (typeof JOB_STATES)[number];
export type ItemState = (typeof ITEM_STATES)[number];

export interface NewJob {
  readonly type: JobType;
  readonly orderer: Orderer;
  readonly reason: string | undefined;
  /** Where a resend goes instead of the former target. */
  readonly target: string | undefined;
  /** The frozen list: what matches later is not part of the job. */
  readonly ids: readonly number[];
  /** The name under which the list is kept; one job is made of it at most. */
  readonly list?: string | undefined;
}

export interface Job extends Omit<NewJob, 'ids' | 'list'> {
  readonly id: number;
  /** The orderer's name. */
  readonly by: string;
  readonly created: number;
  readonly ended: number | undefined;
  readonly state: JobState;
  /** Why it was stopped. */
  readonly why: string | undefined;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
}

export interface JobItem {
  readonly n: number;
  readonly messageId: number;
  readonly state: ItemState;
  /** The message that was made. */
  readonly resultId: number | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
}

/** How one message of a job ended. */
export interface ItemResult {
  readonly state: ItemState;
  readonly resultId?: number | undefined;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
}

/** Keeps jobs and what became of each of their messages, over restarts. */
export interface JobStore {
  /** Makes the job, or finds the one that was made of the list before. */
  add(job: NewJob): Promise<Job>;
  find(id: number): Promise<Job | undefined>;
  /** Newest first. */
  list(limit: number): Promise<readonly Job[]>;
  running(): Promise<readonly Job[]>;
  items(id: number, page: ItemPage): Promise<readonly JobItem[]>;
  /** The first message that waits. */
  next(id: number): Promise<JobItem | undefined>;
  /** Takes a message that waits, of a job that runs; false if somebody else was faster, or the job was ended. */
  claim(id: number, n: number): Promise<boolean>;
  settle(id: number, n: number, result: ItemResult): Promise<void>;
  /** Ends a job that runs; false if it had ended. */
  end(id: number, state: JobState, why?: string): Promise<boolean>;
  /** What was being done when the operator plane ended. */
  markUncertain(id: number): Promise<void>;
  /** How many jobs there are, and messages of them. */
  size(): Promise<JobsSize>;
  /** Removes jobs that ended before a time, with what became of their messages. */
  purge(endedBefore: number): Promise<JobsSize>;
}

export interface JobsSize {
  readonly jobs: number;
  readonly messages: number;
}

export interface ItemPage {
  /** `n` of the last one of the page before. */
  readonly after?: number | undefined;
  readonly state?: ItemState | undefined;
  readonly limit: number;
}

type Row = Record<string, unknown>;

const COUNTS = `(SELECT count(*) FROM job_item i WHERE i.job_id = job.id) AS total,
  (SELECT count(*) FROM job_item i WHERE i.job_id = job.id AND state = 'done') AS done,
  (SELECT count(*) FROM job_item i WHERE i.job_id = job.id AND state IN ('failed', 'uncertain')) AS failed`;
const ITEMS =
  'SELECT n, message_id AS "messageId", state, result_id AS "resultId", code, text FROM job_item';
/** Rows of one statement. */
const AT_ONCE = 500;

const jobs = async (
  session: MetaSession,
  where: string,
  ...values: (number | string)[]
): Promise<Job[]> =>
  (await session.all(`SELECT *, ${COUNTS} FROM job ${where}`, ...values)).map(jobOf);

export function jobStore(database: MetaDatabase): JobStore {
  return {
    add: (job) =>
      database.transaction(async (session) => {
        const before = await jobOfList(session, job.list);
        const id = before ?? (await insert(session, job));
        const [made] = await jobs(session, 'WHERE id = ?', id);
        if (made === undefined) throw new EngineError('NOT_FOUND', `there is no job ${id}`);
        return made;
      }),
    find: async (id) => (await jobs(database, 'WHERE id = ?', id))[0],
    list: (limit) => jobs(database, 'ORDER BY id DESC LIMIT ?', limit),
    running: () => jobs(database, "WHERE state = 'running' ORDER BY id"),
    async items(id, { after = 0, state, limit }) {
      const rows = await database.all(
        `${ITEMS} WHERE job_id = ? AND n > ? ${state === undefined ? '' : 'AND state = ?'} ORDER BY n LIMIT ?`,
        ...(state === undefined ? [id, after, limit] : [id, after, state, limit]),
      );
      return rows.map(itemOf);
    },
    async next(id) {
      const row = await database.get(
        `${ITEMS} WHERE job_id = ? AND state = 'waiting' ORDER BY n LIMIT 1`,
        id,
      );
      return row === undefined ? undefined : itemOf(row);
    },
    claim: async (id, n) =>
      (await database.run(
        `UPDATE job_item SET state = 'doing' WHERE job_id = ? AND n = ? AND state = 'waiting'
           AND EXISTS (SELECT 1 FROM job WHERE id = job_id AND state = 'running')`,
        id,
        n,
      )) > 0,
    async settle(id, n, { state, resultId, code, text }) {
      await database.run(
        'UPDATE job_item SET state = ?, result_id = ?, code = ?, text = ? WHERE job_id = ? AND n = ?',
        state,
        resultId ?? null,
        code ?? null,
        text ?? null,
        id,
        n,
      );
    },
    end: (id, state, why) =>
      database.transaction(async (session) => {
        const ended = await session.run(
          "UPDATE job SET state = ?, ended = ?, why = ? WHERE id = ? AND state = 'running'",
          state,
          Date.now(),
          why ?? null,
          id,
        );
        if (ended === 0) return false;
        await session.run(
          "UPDATE job_item SET state = 'cancelled' WHERE job_id = ? AND state = 'waiting'",
          id,
        );
        return true;
      }),
    async markUncertain(id) {
      await database.run(
        "UPDATE job_item SET state = 'uncertain' WHERE job_id = ? AND state = 'doing'",
        id,
      );
    },
    size: async () => ({
      jobs: await counted(database, 'SELECT count(*) AS n FROM job'),
      messages: await counted(database, 'SELECT count(*) AS n FROM job_item'),
    }),
    purge: (endedBefore) =>
      database.transaction(async (session) => ({
        messages: await session.run(
          'DELETE FROM job_item WHERE job_id IN (SELECT id FROM job WHERE ended < ?)',
          endedBefore,
        ),
        jobs: await session.run('DELETE FROM job WHERE ended < ?', endedBefore),
      })),
  };
}

async function jobOfList(
  session: MetaSession,
  list: string | undefined,
): Promise<number | undefined> {
  if (list === undefined) return undefined;
  const row = await session.get<{ job: number | null }>(
    'SELECT job FROM frozen_list WHERE id = ?',
    list,
  );
  return row?.job ?? undefined;
}

/** Stores the job and notes it with its list. Only within a transaction. */
async function insert(
  session: MetaSession,
  { type, orderer, reason, target, ids, list }: NewJob,
): Promise<number> {
  const row = await session.get<{ id: number }>(
    "INSERT INTO job(type, by, reason, target, created, orderer, state) VALUES(?, ?, ?, ?, ?, ?, 'running') RETURNING id",
    type,
    orderer.name,
    reason ?? null,
    target ?? null,
    Date.now(),
    JSON.stringify(orderer),
  );
  const id = row?.id ?? 0;
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    await session.run(
      `INSERT INTO job_item(job_id, n, message_id, state) VALUES ${some.map(() => "(?, ?, ?, 'waiting')").join(', ')}`,
      ...some.flatMap((message, index) => [id, at + index + 1, message]),
    );
  }
  if (list !== undefined) {
    await session.run('UPDATE frozen_list SET job = ? WHERE id = ?', id, list);
  }
  return id;
}

const counted = async (database: MetaDatabase, sql: string): Promise<number> =>
  (await database.get<{ n: number }>(sql))?.n ?? 0;

function jobOf(row: Row): Job {
  const { id, type, by, reason, target, created, ended, state, total, done, failed } = row;
  const { orderer, why } = row;
  return {
    id: Number(id),
    type: type as JobType,
    by: String(by),
    orderer: JSON.parse(String(orderer)) as Orderer,
    why: textOf(why),
    reason: textOf(reason),
    target: textOf(target),
    created: Number(created),
    ended: numberOf(ended),
    state: state as JobState,
    total: Number(total),
    done: Number(done),
    failed: Number(failed),
  };
}

function itemOf({ n, messageId, state, resultId, code, text }: Row): JobItem {
  return {
    n: Number(n),
    messageId: Number(messageId),
    state: state as ItemState,
    resultId: numberOf(resultId),
    code: textOf(code),
    text: textOf(text),
  };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
