import { type MetaDatabase, numberOf, textOf } from '../../access/meta/meta-database.ts';
import { changing, countsOf, keptGroups } from './job-counts.ts';
import { endOf, ITEMS, NOTHING_OPEN } from './job-rows.ts';
import type { JobStore, ResultGroup, SeenItem } from './job-store.ts';
import { padded } from './row-lists.ts';

/** What is stored about the messages made by a job. */
export function storedResults(
  database: MetaDatabase,
): Pick<JobStore, 'followedJobs' | 'followed' | 'saw' | 'results' | 'countEnded'> {
  return {
    followedJobs: async () =>
      (
        await database.all<{ id: number }>(
          `SELECT id FROM job WHERE counted IS NULL
             AND EXISTS (SELECT 1 FROM job_item i WHERE i.job_id = job.id AND i.followed = 1) ORDER BY id`,
        )
      ).map(({ id }) => id),
    async followed(id, { after, limit }) {
      const rows = await database.all(
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
    saw: (id, items) => saw(database, id, items),
    results: (id) => results(database, id),
    async countEnded() {
      const rows = await database.all<{ id: number }>(
        `SELECT id FROM job WHERE ended IS NOT NULL AND counted IS NULL AND ${NOTHING_OPEN}`,
      );
      for (const { id } of rows)
        await database.run(
          'UPDATE job SET counted = ? WHERE id = ?',
          JSON.stringify(await countsOf(database, id)),
          id,
        );
    },
  };
}

const SEEN = `(CAST(? AS bigint), CAST(? AS text), CAST(? AS bigint), CAST(? AS text), CAST(? AS text), CAST(? AS text),
  CAST(? AS bigint), CAST(? AS bigint))`;

function saw(database: MetaDatabase, id: number, items: readonly SeenItem[]): Promise<void> {
  const ns = items.map(({ n }) => n);
  const rows = padded(items);
  return database.transaction((session) =>
    changing(session, id, ns, async () => {
      await session.run(
        `WITH seen(n, outcome, id, host, code, cause, at, followed) AS (VALUES ${rows.map(() => SEEN).join(', ')})
           UPDATE job_item SET outcome = seen.outcome, outcome_id = seen.id, outcome_host = seen.host,
             outcome_code = seen.code, outcome_cause = seen.cause, at = seen.at, followed = seen.followed
           FROM seen WHERE job_item.job_id = ? AND job_item.n = seen.n`,
        ...rows.flatMap(({ n, end, at, followed }) => [
          n,
          end.state,
          end.messageId ?? null,
          end.host ?? null,
          end.code ?? null,
          end.cause ?? null,
          at,
          Number(followed),
        ]),
        id,
      );
    }),
  );
}

async function results(database: MetaDatabase, id: number): Promise<readonly ResultGroup[]> {
  const found = new Map<string, ResultGroup>();
  for (const { outcome: state, host, code, cause, sample, n } of await keptGroups(database, id)) {
    if (state === null) continue;
    const key = JSON.stringify([state, host, code, cause]);
    found.set(key, {
      state,
      host: textOf(host),
      code: textOf(code),
      cause: textOf(cause),
      messageId: numberOf(sample) ?? found.get(key)?.messageId,
      count: n + (found.get(key)?.count ?? 0),
    });
  }
  const groups = [...found.values()]
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  return Promise.all(
    groups.map(async (group) =>
      group.state === 'under-way' ? { ...group, messageId: await open(database, id) } : group,
    ),
  );
}

/** One that is under way now: the one that was kept may have ended. */
async function open(database: MetaDatabase, id: number): Promise<number | undefined> {
  const row = await database.get<{ id: number | null }>(
    "SELECT outcome_id AS id FROM job_item WHERE job_id = ? AND outcome = 'under-way' LIMIT 1",
    id,
  );
  return row?.id ?? undefined;
}
