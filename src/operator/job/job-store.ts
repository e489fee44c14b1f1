import type { MetaDatabase } from '../meta/meta-database.ts';
import type { Orderer } from '../rights/orderer.ts';

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
}

export interface Job extends Omit<NewJob, 'ids'> {
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
  add(job: NewJob): Job;
  find(id: number): Job | undefined;
  /** Newest first. */
  list(limit: number): readonly Job[];
  running(): readonly Job[];
  items(id: number, page: ItemPage): readonly JobItem[];
  next(id: number): JobItem | undefined;
  settle(id: number, n: number, result: ItemResult): void;
  end(id: number, state: JobState, why?: string): void;
  /** What was being done when the operator plane ended. */
  markUncertain(id: number): void;
  /** How many jobs there are, and messages of them. */
  size(): JobsSize;
  /** Removes jobs that ended before a time, with what became of their messages. */
  purge(endedBefore: number): JobsSize;
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

export function jobStore(database: MetaDatabase): JobStore {
  const job = (where: string, ...values: (number | string)[]): Job[] =>
    database.all(`SELECT *, ${COUNTS} FROM job ${where}`, ...values).map(jobOf);
  return {
    add({ type, orderer, reason, target, ids }) {
      const who = JSON.stringify(orderer);
      const values = [type, orderer.name, reason ?? null, target ?? null, Date.now(), who];
      return database.transaction(() => {
        const { id = 0 } =
          database.get<{ id: number }>(
            "INSERT INTO job(type, by, reason, target, created, orderer, state) VALUES(?, ?, ?, ?, ?, ?, 'running') RETURNING id",
            ...values,
          ) ?? {};
        for (let at = 0; at < ids.length; at += AT_ONCE) {
          const some = ids.slice(at, at + AT_ONCE);
          database.run(
            `INSERT INTO job_item(job_id, n, message_id, state) VALUES ${some.map(() => "(?, ?, ?, 'waiting')").join(', ')}`,
            ...some.flatMap((message, index) => [id, at + index + 1, message]),
          );
        }
        const [made] = job('WHERE id = ?', id);
        if (made === undefined) throw new Error('the job was stored');
        return made;
      });
    },
    find: (id) => job('WHERE id = ?', id)[0],
    list: (limit) => job('ORDER BY id DESC LIMIT ?', limit),
    running: () => job("WHERE state = 'running' ORDER BY id"),
    items: (id, { after = 0, state, limit }) =>
      database
        .all(
          `${ITEMS} WHERE job_id = ? AND n > ? ${state === undefined ? '' : 'AND state = ?'} ORDER BY n LIMIT ?`,
          ...(state === undefined ? [id, after, limit] : [id, after, state, limit]),
        )
        .map(itemOf),
    next(id) {
      const row = database.get(
        `${ITEMS} WHERE job_id = ? AND state = 'waiting' ORDER BY n LIMIT 1`,
        id,
      );
      return row === undefined ? undefined : itemOf(row);
    },
    settle(id, n, { state, resultId, code, text }) {
      database.run(
        'UPDATE job_item SET state = ?, result_id = ?, code = ?, text = ? WHERE job_id = ? AND n = ?',
        state,
        resultId ?? null,
        code ?? null,
        text ?? null,
        id,
        n,
      );
    },
    end(id, state, why) {
      database.run(
        'UPDATE job SET state = ?, ended = ?, why = ? WHERE id = ?',
        state,
        Date.now(),
        why ?? null,
        id,
      );
      if (state === 'finished') return;
      database.run(
        "UPDATE job_item SET state = 'cancelled' WHERE job_id = ? AND state = 'waiting'",
        id,
      );
    },
    markUncertain(id) {
      database.run(
        "UPDATE job_item SET state = 'uncertain' WHERE job_id = ? AND state = 'doing'",
        id,
      );
    },
    size: () => ({
      jobs: counted(database, 'SELECT count(*) AS n FROM job'),
      messages: counted(database, 'SELECT count(*) AS n FROM job_item'),
    }),
    purge: (endedBefore) =>
      database.transaction(() => ({
        messages: database.run(
          'DELETE FROM job_item WHERE job_id IN (SELECT id FROM job WHERE ended < ?)',
          endedBefore,
        ),
        jobs: database.run('DELETE FROM job WHERE ended < ?', endedBefore),
      })),
  };
}

const counted = (database: MetaDatabase, sql: string): number =>
  database.get<{ n: number }>(sql)?.n ?? 0;

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
