import type { MetaDatabase, MetaSession } from '../../access/meta/meta-database.ts';
import type { Orderer } from '../../access/rights/orderer.ts';
import { EngineError } from '../../error/engine-error.ts';
import { SESSION_STATES } from '../../trace/session-outcome.ts';

export const JOB_TYPES = ['resend', 'reprocess', 'discard', 'abort', 'set-aside'] as const;
/** `stopped`: the orderer is no longer allowed to do it. */
export const JOB_STATES = ['running', 'finished', 'cancelled', 'stopped'] as const;
/** `uncertain`: the operator plane ended in the middle of it; check the message before doing it again. */
export const ITEM_STATES = [
  'waiting',
  'doing',
  'done',
  'failed',
  'uncertain',
  'cancelled',
] as const;
/**
 * The result of the new message.
 * - `gone`: it left the trace before its end was seen
 * - `not-followed`: it had not ended after `FOLLOWED_FOR`, and is no longer checked
 */
export const ITEM_OUTCOMES = [...SESSION_STATES, 'gone', 'not-followed'] as const;

/** Milliseconds that the messages made by a job are followed; what waits longer is reported as open. */
export const FOLLOWED_FOR = 7 * 86_400_000;

export type JobType = (typeof JOB_TYPES)[number];
export type JobState = (typeof JOB_STATES)[number];
export type ItemState = (typeof ITEM_STATES)[number];
export type ItemOutcome = (typeof ITEM_OUTCOMES)[number];

export interface NewJob {
  readonly type: JobType;
  readonly orderer: Orderer;
  readonly reason: string | undefined;
  /** Where a resend goes instead of the former target. */
  readonly target: string | undefined;
  /** The frozen list: what matches later is not part of the job. */
  readonly ids: readonly number[];
  /** The name of the stored list; at most one job is made from it. */
  readonly list?: string | undefined;
}

export interface Job extends Omit<NewJob, 'ids' | 'list'>, JobCounts {
  readonly id: number;
  /** The orderer's name. */
  readonly by: string;
  readonly created: number;
  /** When the last message was acted on; the new messages may still be under way. */
  readonly ended: number | undefined;
  readonly state: JobState;
  /** Why it was stopped. */
  readonly why: string | undefined;
}

export interface JobCounts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** The results of the new messages; undefined for a job that makes none. */
  readonly became: Became | undefined;
}

/** How many of the messages made by a job had which result. */
export type Became = Readonly<Record<ItemOutcome, number>>;

export interface JobItem {
  readonly n: number;
  readonly messageId: number;
  readonly state: ItemState;
  /** The new message. */
  readonly resultId: number | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  /** The result of the new message; undefined if none was made. */
  readonly outcome: ItemEnd | undefined;
}

/** The result of a new message, and the message of its session that decided it. */
export interface ItemEnd {
  readonly state: ItemOutcome;
  readonly messageId?: number | undefined;
  readonly host?: string | undefined;
  readonly code?: string | undefined;
  /** See `causeOf`: without anything specific to one patient. */
  readonly cause?: string | undefined;
}

/** A message whose result is followed until it has ended. */
export interface FollowedItem {
  readonly n: number;
  readonly resultId: number;
  /** Since when `outcome` has had its value. */
  readonly at: number;
  readonly outcome: ItemEnd | undefined;
}

/** A result as it was found. */
export interface SeenItem {
  readonly n: number;
  readonly end: ItemEnd;
  readonly at: number;
  /** When it is checked again. */
  readonly followed: boolean;
}

/** How one message of a job ended. */
export interface ItemResult {
  readonly state: ItemState;
  readonly resultId?: number | undefined;
  readonly code?: string | undefined;
  readonly text?: string | undefined;
}

/** Results of a job that ended the same way. */
export interface ResultGroup extends Omit<ItemEnd, 'messageId'> {
  readonly count: number;
  /** One of them. */
  readonly messageId: number | undefined;
}

/** Stores jobs and the result for each of their messages, across restarts. */
export interface JobStore {
  /** Makes the job, or finds the one that was made of the list before. */
  add(job: NewJob): Promise<Job>;
  find(id: number): Promise<Job | undefined>;
  stateOf(id: number): Promise<JobState | undefined>;
  /** Newest first. */
  list(limit: number): Promise<readonly Job[]>;
  running(): Promise<readonly Job[]>;
  items(id: number, page: ItemPage): Promise<readonly JobItem[]>;
  /** The first waiting message. */
  next(id: number): Promise<JobItem | undefined>;
  /** Claims a waiting message of a running job; false if somebody else was faster or the job has ended. */
  claim(id: number, n: number): Promise<boolean>;
  settle(id: number, n: number, result: ItemResult): Promise<void>;
  /** Undoes a claim: the message waits again, or is cancelled with its job. */
  putBack(id: number, n: number): Promise<void>;
  /** Ends a running job; false if it had already ended. */
  end(id: number, state: JobState, why?: string): Promise<boolean>;
  /**
   * What was being done when the operator plane ended: it waits again if repeating it is safe, that
   * is if its order was begun after `repeatable`; otherwise it is uncertain.
   */
  takeUp(job: Pick<Job, 'id'>, repeatable: number): Promise<void>;
  /** What was being done for jobs that have ended meanwhile: nobody is working on it any more. */
  abandon(): Promise<void>;
  /** Jobs whose results are followed. */
  followedJobs(): Promise<readonly number[]>;
  followed(
    id: number,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly FollowedItem[]>;
  /** Records what was found. */
  saw(id: number, items: readonly SeenItem[]): Promise<void>;
  /** The results of a job, grouped by outcome and cause; most frequent first. */
  results(id: number): Promise<readonly ResultGroup[]>;
  /** Stores the final counts of jobs without open results, so that reading them costs nothing. */
  countEnded(): Promise<void>;
  /** How many jobs there are, and how many messages in them. */
  size(): Promise<JobsSize>;
  /** Removes jobs that ended before a time, with their results; not while some are followed. */
  purge(endedBefore: number): Promise<JobsSize>;
}

export interface JobsSize {
  readonly jobs: number;
  readonly messages: number;
}

export interface ItemPage {
  /** `n` of the last one on the previous page. */
  readonly after?: number | undefined;
  readonly state?: ItemState | undefined;
  readonly outcome?: ItemOutcome | undefined;
  readonly limit: number;
}

type Row = Record<string, unknown>;

const ITEMS = `SELECT n, message_id AS "messageId", state, result_id AS "resultId", code, text, followed, at, outcome,
  outcome_id, outcome_host, outcome_code, outcome_cause FROM job_item`;
/** Messages made by an older version are not followed, and have no outcome. */
const OUTCOME = `CASE WHEN result_id IS NULL OR followed IS NULL THEN NULL ELSE coalesce(outcome, 'under-way') END`;
/** Rows per statement. */
const AT_ONCE = 500;
const NOTHING_OPEN = `NOT EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.followed = 1)
  AND NOT EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.state = 'doing')`;

const jobs = async (
  session: MetaSession,
  where: string,
  ...values: (number | string)[]
): Promise<Job[]> => {
  const rows = await session.all<Row>(`SELECT * FROM job ${where}`, ...values);
  const made: Job[] = [];
  for (const row of rows) {
    const { counted } = row;
    const counts =
      typeof counted === 'string'
        ? (JSON.parse(counted) as JobCounts)
        : await countedItems(session, Number(row['id']));
    made.push(jobOf(row, counts));
  }
  return made;
};

/** Counts the messages of a job. */
async function countedItems(session: MetaSession, id: number): Promise<JobCounts> {
  const rows = await session.all<{ state: ItemState; outcome: ItemOutcome | null; n: number }>(
    `SELECT state, ${OUTCOME} AS outcome, count(*) AS n FROM job_item WHERE job_id = ? GROUP BY 1, 2`,
    id,
  );
  const sum = (fits: (row: (typeof rows)[number]) => boolean): number =>
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

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
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
    stateOf: async (id) =>
      (await database.get<{ state: JobState }>('SELECT state FROM job WHERE id = ?', id))?.state,
    list: (limit) => jobs(database, 'ORDER BY id DESC LIMIT ?', limit),
    running: () => jobs(database, "WHERE state = 'running' ORDER BY id"),
    async items(id, { after = 0, state, outcome, limit }) {
      const rows = await database.all(
        `${ITEMS} WHERE job_id = ? AND n > ? ${state === undefined ? '' : 'AND state = ?'}
           ${outcome === undefined ? '' : `AND ${OUTCOME} = ?`} ORDER BY n LIMIT ?`,
        id,
        after,
        ...(state === undefined ? [] : [state]),
        ...(outcome === undefined ? [] : [outcome]),
        limit,
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
        `UPDATE job_item SET state = 'doing', followed = 0, at = ? WHERE job_id = ? AND n = ? AND state = 'waiting'
           AND EXISTS (SELECT 1 FROM job WHERE id = job_id AND state = 'running')`,
        Date.now(),
        id,
        n,
      )) > 0,
    async settle(id, n, { state, resultId, code, text }) {
      await database.run(
        `UPDATE job_item SET state = ?, result_id = ?, code = ?, text = ?, followed = ?, at = ?
           WHERE job_id = ? AND n = ?`,
        state,
        resultId ?? null,
        code ?? null,
        text ?? null,
        resultId === undefined ? null : 1,
        Date.now(),
        id,
        n,
      );
    },
    async putBack(id, n) {
      await database.run(
        `UPDATE job_item SET state = CASE (SELECT state FROM job WHERE id = job_id)
             WHEN 'running' THEN 'waiting' ELSE 'cancelled' END WHERE job_id = ? AND n = ? AND state = 'doing'`,
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
    async takeUp({ id }, repeatable) {
      // `followed` is set when the order gets a name
      await database.run(
        "UPDATE job_item SET state = 'waiting' WHERE job_id = ? AND state = 'doing' AND followed = 0 AND at > ?",
        id,
        repeatable,
      );
      await database.run(
        "UPDATE job_item SET state = 'uncertain' WHERE job_id = ? AND state = 'doing'",
        id,
      );
    },
    async abandon() {
      await database.run(
        `UPDATE job_item SET state = 'uncertain' WHERE state = 'doing'
           AND job_id IN (SELECT id FROM job WHERE state <> 'running' AND counted IS NULL)`,
      );
    },
    ...followed(database),
    size: async () => ({
      jobs: await count(database, 'SELECT count(*) AS n FROM job'),
      messages: await count(database, 'SELECT count(*) AS n FROM job_item'),
    }),
    purge: (endedBefore) =>
      database.transaction(async (session) => ({
        messages: await session.run(
          `DELETE FROM job_item WHERE job_id IN (SELECT id FROM job WHERE ended < ? AND ${NOTHING_OPEN})`,
          endedBefore,
        ),
        jobs: await session.run(`DELETE FROM job WHERE ended < ? AND ${NOTHING_OPEN}`, endedBefore),
      })),
  };
}

/** What is stored about the messages made by a job. */
// oxlint-disable-next-line max-lines-per-function -- one object of small queries
function followed(
  database: MetaDatabase,
): Pick<JobStore, 'followedJobs' | 'followed' | 'saw' | 'results' | 'countEnded'> {
  return {
    followedJobs: async () =>
      (
        await database.all<{ id: number }>(
          'SELECT DISTINCT job_id AS id FROM job_item WHERE followed = 1 ORDER BY job_id',
        )
      ).map(({ id }) => id),
    async followed(id, { after, limit }) {
      const rows = await database.all<Row>(
        `${ITEMS} WHERE job_id = ? AND followed = 1 AND n > ? ORDER BY n LIMIT ?`,
        id,
        after,
        limit,
      );
      return rows.map((row) => ({
        n: Number(row['n']),
        resultId: Number(row['resultId']),
        at: Number(row['at']),
        outcome: row['outcome'] === null ? undefined : endOf(row),
      }));
    },
    saw: (id, items) =>
      database.transaction(async (session) => {
        for (const { n, end, at, followed: again } of items)
          await session.run(
            `UPDATE job_item SET outcome = ?, outcome_id = ?, outcome_host = ?, outcome_code = ?, outcome_cause = ?,
               at = ?, followed = ? WHERE job_id = ? AND n = ?`,
            end.state,
            end.messageId ?? null,
            end.host ?? null,
            end.code ?? null,
            end.cause ?? null,
            at,
            Number(again),
            id,
            n,
          );
      }),
    async results(id) {
      const rows = await database.all<Row>(
        `SELECT ${OUTCOME} AS outcome, outcome_host, outcome_code, outcome_cause, max(outcome_id) AS outcome_id,
           count(*) AS n FROM job_item WHERE job_id = ? AND ${OUTCOME} IS NOT NULL GROUP BY 1, 2, 3, 4`,
        id,
      );
      return rows
        .map((row) => ({
          ...endOf(row),
          count: Number(row['n']),
          messageId: numberOf(row['outcome_id']),
        }))
        .toSorted((a, b) => b.count - a.count);
    },
    async countEnded() {
      const rows = await database.all<{ id: number }>(
        `SELECT id FROM job WHERE state <> 'running' AND counted IS NULL AND ${NOTHING_OPEN}`,
      );
      for (const { id } of rows)
        await database.run(
          'UPDATE job SET counted = ? WHERE id = ?',
          JSON.stringify(await countedItems(database, id)),
          id,
        );
    },
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

/** Stores the job and records it with its list. Only within a transaction. */
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

const count = async (database: MetaDatabase, sql: string): Promise<number> =>
  (await database.get<{ n: number }>(sql))?.n ?? 0;

function jobOf(row: Row, counts: JobCounts): Job {
  const { id, type, by, reason, target, created, ended, state, orderer, why } = row;
  return {
    ...counts,
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
  };
}

function itemOf(row: Row): JobItem {
  const { n, messageId, state, resultId, code, text } = row;
  const isFollowed = resultId !== null && row['followed'] !== null;
  return {
    n: Number(n),
    messageId: Number(messageId),
    state: state as ItemState,
    resultId: numberOf(resultId),
    code: textOf(code),
    text: textOf(text),
    outcome: isFollowed ? endOf(row) : undefined,
  };
}

const endOf = (row: Row): ItemEnd => ({
  state: (row['outcome'] ?? 'under-way') as ItemOutcome,
  messageId: numberOf(row['outcome_id']),
  host: textOf(row['outcome_host']),
  code: textOf(row['outcome_code']),
  cause: textOf(row['outcome_cause']),
});

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
