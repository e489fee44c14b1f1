import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  type MetaDatabase,
  type MetaRow,
  type MetaSession,
  numberOf,
  textOf,
} from '../../access/meta/meta-database.ts';
import type { Orderer } from '../../access/rights/orderer.ts';
import { EngineError } from '../../error/engine-error.ts';
import { changing, countNew, countsOf } from './job-counts.ts';
import { overlapOf } from './job-overlap.ts';
import { ITEMS, itemOf, NOTHING_OPEN } from './job-rows.ts';
import type { Job, JobCounts, JobState, JobStep, JobStore, JobType, NewJob } from './job-store.ts';
import { padded } from './row-lists.ts';
import { storedResults } from './stored-results.ts';

/** Rows per statement. */
const AT_ONCE = 500;
/** Rows per transaction of what changes many: a statement may hold up the console for some milliseconds. */
const AT_A_TIME = 2_000;
/** Milliseconds after which a job that was being made is known to be left. */
const LEFT = 600_000;
/** Milliseconds. */
const LOOK_EVERY = 50;
/** A job whose messages are still being stored. */
const MAKING = 'making';

const jobs = async (
  session: MetaSession,
  where: string,
  ...values: (number | string)[]
): Promise<Job[]> => {
  const rows = await session.all(`SELECT * FROM job WHERE ${where}`, ...values);
  const all: Job[] = [];
  for (const row of rows) {
    const { counted } = row;
    const counts =
      typeof counted === 'string'
        ? (JSON.parse(counted) as JobCounts)
        : await countsOf(session, Number(row['id']));
    all.push(jobOf(row, counts));
  }
  return all;
};

export function jobStore(database: MetaDatabase): JobStore {
  return {
    ...making(database),
    ...looking(database),
    ...comparing(database),
    ...acting(database),
    ...ending(database),
    ...storedResults(database),
  };
}

/**
 * The messages are stored some at a time, so that nobody waits for 100,000 of them; the job is seen
 * once it has them all.
 */
function making(database: MetaDatabase): Pick<JobStore, 'add'> {
  return {
    async add(job) {
      const before = await jobOfList(database, job.list);
      const id = before ?? (await made(database, job));
      const [found] = await jobs(database, 'id = ?', id);
      if (found === undefined) throw new EngineError('NOT_FOUND', `there is no job ${id}`);
      return found;
    },
  };
}

async function made(database: MetaDatabase, job: NewJob): Promise<number> {
  const { type, orderer, reason, target, ids, list } = job;
  const row = await database.get<{ id: number }>(
    'INSERT INTO job(type, by, reason, target, created, orderer, state) VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id',
    type,
    orderer.name,
    reason ?? null,
    target ?? null,
    Date.now(),
    JSON.stringify(orderer),
    MAKING,
  );
  const id = row?.id ?? 0;
  for (let at = 0; at < ids.length; at += AT_A_TIME) {
    await database.transaction((session) =>
      insertItems(session, id, { from: at, ids: ids.slice(at, at + AT_A_TIME) }),
    );
    await yieldToOthers();
  }
  for (;;) {
    const overlap = await overlapOf(database, id, job);
    if (overlap === undefined) break;
    // the same order given again is the job that it made
    const other = await jobOfList(database, list);
    if (other === undefined && overlap.isMaking) {
      await sleep(LOOK_EVERY);
      continue;
    }
    await removeJob(database, id);
    if (other === undefined) throw overlap.error;
    return other;
  }
  const first = await database.transaction(async (session) => {
    const other = await jobOfList(session, list);
    if (other !== undefined) return other;
    if (list !== undefined)
      await session.run('UPDATE frozen_list SET job = ? WHERE id = ?', id, list);
    await countNew(session, id, ids.length);
    await session.run("UPDATE job SET state = 'running' WHERE id = ?", id);
    return id;
  });
  // ordered twice at once: the other one was made
  if (first !== id) await removeJob(database, id);
  return first;
}

async function insertItems(
  session: MetaSession,
  id: number,
  { from, ids }: { readonly from: number; readonly ids: readonly number[] },
): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    await session.run(
      `INSERT INTO job_item(job_id, n, message_id, state) VALUES ${some.map(() => "(?, ?, ?, 'waiting')").join(', ')}`,
      ...some.flatMap((message, index) => [id, from + at + index + 1, message]),
    );
  }
}

async function jobOfList(
  session: Pick<MetaSession, 'get'>,
  list: string | undefined,
): Promise<number | undefined> {
  if (list === undefined) return undefined;
  const row = await session.get<{ job: number | null }>(
    'SELECT job FROM frozen_list WHERE id = ?',
    list,
  );
  return row?.job ?? undefined;
}

function looking(
  database: MetaDatabase,
): Pick<JobStore, 'find' | 'stateOf' | 'list' | 'running' | 'items' | 'waiting' | 'size'> {
  return {
    find: async (id) => (await jobs(database, 'id = ? AND state <> ?', id, MAKING))[0],
    stateOf: async (id) =>
      (await database.get<{ state: JobState }>('SELECT state FROM job WHERE id = ?', id))?.state,
    list: (limit) => jobs(database, 'state <> ? ORDER BY id DESC LIMIT ?', MAKING, limit),
    running: () => jobs(database, "state = 'running' ORDER BY id"),
    async items(id, { after = 0, state, outcome, limit }) {
      const rows = await database.all(
        `${ITEMS} WHERE job_id = ? AND n > ? ${state === undefined ? '' : 'AND state = ?'}
           ${outcome === undefined ? '' : OF_OUTCOME[outcome === 'under-way' ? 'open' : 'ended']} ORDER BY n LIMIT ?`,
        id,
        after,
        ...(state === undefined ? [] : [state]),
        ...(outcome === undefined || outcome === 'under-way' ? [] : [outcome]),
        limit,
      );
      return rows.map(itemOf);
    },
    async waiting(id, most) {
      const rows = await database.all(
        `${ITEMS} WHERE job_id = ? AND state = 'waiting' ORDER BY n LIMIT ?`,
        id,
        most,
      );
      return rows.map(itemOf);
    },
    size: async () => ({
      jobs: await count(database, 'SELECT count(*) AS n FROM job'),
      messages: await count(database, 'SELECT count(*) AS n FROM job_item'),
    }),
  };
}

function comparing(database: MetaDatabase): Pick<JobStore, 'sentByOthers'> {
  return {
    async sentByOthers({ id, target, created }, messages) {
      const sent = new Map<number, Pick<Job, 'id' | 'by'>>();
      if (messages.length === 0) return sent;
      const others = await database.all<{ id: number; by: string }>(
        `SELECT id, by FROM job WHERE id <> ? AND type IN ('resend', 'reprocess') AND coalesce(target, '') = ?
           AND (ended IS NULL OR ended > ?)`,
        id,
        target ?? '',
        created,
      );
      const list = padded(messages);
      for (const other of others) {
        const rows = await database.all<{ message: number }>(
          `SELECT message_id AS message FROM job_item WHERE job_id = ? AND at > ?
             AND state IN ('doing', 'done', 'uncertain') AND message_id IN (${list.map(() => '?').join(', ')})`,
          other.id,
          created,
          ...list,
        );
        for (const { message } of rows) sent.set(message, other);
      }
      return sent;
    },
  };
}

/** As in `OUTCOME`, so that an index finds them. */
const OF_OUTCOME = {
  open: `AND result_id IS NOT NULL AND followed IS NOT NULL AND (outcome IS NULL OR outcome = 'under-way')`,
  ended: 'AND outcome = ? AND result_id IS NOT NULL AND followed IS NOT NULL',
};

function acting(
  database: MetaDatabase,
): Pick<JobStore, 'advance' | 'waits' | 'pause' | 'pauseStale' | 'resume' | 'takeUp'> {
  const turned = async (id: number, from: JobState, to: JobState, why?: string): Promise<boolean> =>
    (await database.run(
      'UPDATE job SET state = ?, why = ? WHERE id = ? AND state = ?',
      to,
      why ?? null,
      id,
      from,
    )) > 0;
  return {
    advance: (id, step) =>
      database.transaction((session) => {
        const ns = [...step.settled.map(({ n }) => n), ...step.claim];
        return changing(session, id, ns, async () => {
          await settle(session, id, step.settled);
          return new Set(await claimed(session, id, step.claim));
        });
      }),
    async waits(id, why) {
      await database.run(
        "UPDATE job SET why = ? WHERE id = ? AND state = 'running'",
        why ?? null,
        id,
      );
    },
    pause: (id, why) => turned(id, 'running', 'paused', why),
    async pauseStale(since, why) {
      const rows = await database.all<{ id: number }>(
        `UPDATE job SET state = 'paused', why = ? WHERE state = 'running' AND created < ?
           AND NOT EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.at >= ?) RETURNING id`,
        why,
        since,
        since,
      );
      return rows.map(({ id }) => id);
    },
    resume: (id) => turned(id, 'paused', 'running'),
    takeUp: ({ id }, repeatable) =>
      changingDoing(database, id, async (session) => {
        // `followed` is set when the order gets a name
        await session.run(
          "UPDATE job_item SET state = 'waiting' WHERE job_id = ? AND state = 'doing' AND followed = 0 AND at > ?",
          id,
          repeatable,
        );
        await session.run(UNCERTAIN, id);
      }),
  };
}

/** Statements for SQLite and PostgreSQL, which wants to know the types of such rows. */
const SETTLED =
  '(CAST(? AS bigint), CAST(? AS text), CAST(? AS bigint), CAST(? AS text), CAST(? AS text))';

async function settle(
  session: MetaSession,
  id: number,
  settled: JobStep['settled'],
): Promise<void> {
  if (settled.length === 0) return;
  const rows = padded(settled);
  await session.run(
    `WITH ended(n, state, result_id, code, text) AS (VALUES ${rows.map(() => SETTLED).join(', ')})
       UPDATE job_item SET state = ended.state, result_id = ended.result_id, code = ended.code, text = ended.text,
         followed = CASE WHEN ended.result_id IS NULL THEN NULL ELSE 1 END, at = ?
       FROM ended WHERE job_item.job_id = ? AND job_item.n = ended.n`,
    ...rows.flatMap(({ n, state, resultId, code, text }) => [
      n,
      state,
      resultId ?? null,
      code ?? null,
      text ?? null,
    ]),
    Date.now(),
    id,
  );
}

/** An order that is given again keeps the time of the first: engines remember it only so long. */
async function claimed(
  session: MetaSession,
  id: number,
  ns: readonly number[],
): Promise<readonly number[]> {
  if (ns.length === 0) return [];
  const list = padded(ns);
  const rows = await session.all<{ n: number }>(
    `UPDATE job_item SET state = 'doing', at = CASE WHEN followed = 0 THEN at ELSE ? END, followed = 0
       WHERE job_id = ? AND n IN (${list.map(() => '?').join(', ')}) AND state = 'waiting'
         AND EXISTS (SELECT 1 FROM job WHERE id = job_id AND state = 'running') RETURNING n`,
    Date.now(),
    id,
    ...list,
  );
  return rows.map(({ n }) => n);
}

function ending(database: MetaDatabase): Pick<JobStore, 'end' | 'abandon' | 'purge'> {
  return {
    async end(id, state, why) {
      const ended = await database.run(
        "UPDATE job SET state = ?, ended = ?, why = ? WHERE id = ? AND state IN ('running', 'paused')",
        state,
        Date.now(),
        why ?? null,
        id,
      );
      if (ended === 0) return false;
      await cancelWaiting(database, id);
      return true;
    },
    async abandon() {
      const ended = await database.all<{ id: number }>(
        `SELECT id FROM job WHERE ended IS NOT NULL AND counted IS NULL
           AND EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.state IN ('doing', 'waiting'))`,
      );
      for (const { id } of ended) {
        await uncertainNow(database, id);
        await cancelWaiting(database, id);
      }
      const left = await database.all<{ id: number }>(
        'SELECT id FROM job WHERE state = ? AND created < ?',
        MAKING,
        Date.now() - LEFT,
      );
      for (const { id } of left) await removeJob(database, id);
    },
    async purge(endedBefore) {
      const rows = await database.all<{ id: number }>(
        `SELECT id FROM job WHERE ended < ? AND ${NOTHING_OPEN}`,
        endedBefore,
      );
      let messages = 0;
      for (const { id } of rows) messages += await removeJob(database, id);
      return { jobs: rows.length, messages };
    },
  };
}

const UNCERTAIN = "UPDATE job_item SET state = 'uncertain' WHERE job_id = ? AND state = 'doing'";

const uncertainNow = (database: MetaDatabase, id: number): Promise<void> =>
  changingDoing(database, id, async (session) => {
    await session.run(UNCERTAIN, id);
  });

/** Changes the messages of a job that are just being worked on, and the counts with them. */
const changingDoing = (
  database: MetaDatabase,
  id: number,
  change: (session: MetaSession) => Promise<void>,
): Promise<void> =>
  database.transaction(async (session) => {
    const rows = await session.all<{ n: number }>(
      "SELECT n FROM job_item WHERE job_id = ? AND state = 'doing'",
      id,
    );
    const ns = rows.map(({ n }) => n);
    await changing(session, id, ns, () => change(session));
  });

/** What a job that has ended had not begun. */
async function cancelWaiting(database: MetaDatabase, id: number): Promise<void> {
  for (;;) {
    const rows = await database.transaction(async (session) => {
      const some = await session.all<{ n: number }>(
        "SELECT n FROM job_item WHERE job_id = ? AND state = 'waiting' ORDER BY n LIMIT ?",
        id,
        AT_A_TIME,
      );
      const [first, last] = [some[0]?.n, some.at(-1)?.n];
      if (first === undefined || last === undefined) return 0;
      const ns = some.map(({ n }) => n);
      await changing(session, id, ns, async () => {
        await session.run(
          // an order that was begun and is to be given again may be done
          `UPDATE job_item SET state = CASE WHEN followed = 0 THEN 'uncertain' ELSE 'cancelled' END
             WHERE job_id = ? AND state = 'waiting' AND n BETWEEN ? AND ?`,
          id,
          first,
          last,
        );
      });
      return some.length;
    });
    if (rows < AT_A_TIME) return;
    await yieldToOthers();
  }
}

/** Returns how many messages it had. */
async function removeJob(database: MetaDatabase, id: number): Promise<number> {
  let messages = 0;
  for (;;) {
    const removed = await database.run(
      'DELETE FROM job_item WHERE job_id = ? AND n IN (SELECT n FROM job_item WHERE job_id = ? ORDER BY n LIMIT ?)',
      id,
      id,
      AT_A_TIME,
    );
    messages += removed;
    if (removed < AT_A_TIME) break;
    await yieldToOthers();
  }
  await database.run('DELETE FROM job_count WHERE job_id = ?', id);
  await database.run('DELETE FROM job WHERE id = ?', id);
  return messages;
}

const count = async (database: MetaDatabase, sql: string): Promise<number> =>
  (await database.get<{ n: number }>(sql))?.n ?? 0;

function jobOf(row: MetaRow, counts: JobCounts): Job {
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
