import { describe, expect, test } from 'vitest';
import type { MetaDatabase } from '../../../src/access/meta/meta-database.ts';
import { countsOf, OUTCOME } from '../../../src/operator/job/job-counts.ts';
import type { ItemEnd, ItemResult } from '../../../src/operator/job/job-store.ts';
import { jobStore } from '../../../src/operator/job/stored-jobs.ts';
import { orderer } from '../../support/orderer.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

const COUNT = 300;
const ENDS: readonly ItemEnd[] = [
  { state: 'under-way', host: 'ward', messageId: 5 },
  { state: 'delivered', host: 'ward', messageId: 6 },
  { state: 'refused', host: 'ward', code: 'X', cause: 'no bed', messageId: 7 },
  { state: 'refused', host: 'ward', code: 'X', cause: 'read-only', messageId: 8 },
];
const DONE: ItemResult = { state: 'done' };
const RESULTS: readonly ItemResult[] = [
  { state: 'done', resultId: 9 },
  { state: 'done' },
  { state: 'waiting' },
  { state: 'failed', code: 'NOT_FOUND', text: 'gone' },
];

/** Counted anew from the messages. */
async function counted(meta: MetaDatabase, id: number): Promise<Record<string, number>> {
  const rows = await meta.all<{ state: string; outcome: string | null; n: number }>(
    `SELECT state, ${OUTCOME} AS outcome, count(*) AS n FROM job_item WHERE job_id = ? GROUP BY 1, 2`,
    id,
  );
  return Object.fromEntries(rows.map(({ state, outcome, n }) => [`${state} ${outcome}`, n]));
}

async function kept(meta: MetaDatabase, id: number): Promise<Record<string, number>> {
  const rows = await meta.all<{ state: string; outcome: string | null; n: number }>(
    'SELECT state, outcome, CAST(sum(n) AS bigint) AS n FROM job_count WHERE job_id = ? GROUP BY 1, 2',
    id,
  );
  return Object.fromEntries(rows.map(({ state, outcome, n }) => [`${state} ${outcome}`, n]));
}

describe.each(META_STORES)('%s', (name, there) => {
  test.runIf(there)('counts are kept beside the messages, whatever happens to these', async () => {
    await using planes = await twoPlanes(name);
    const stores = [jobStore(planes.one), jobStore(planes.other)] as const;
    const order = { type: 'resend', reason: '', target: undefined } as const;
    const ids = Array.from({ length: COUNT }, (_, n) => n + 1);
    const { id } = await stores[0].add({ ...order, orderer: orderer('ann'), ids });
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const some = (): number[] => ids.filter(() => random(5) === 0);
    for (let step = 0; step < 12; step++) {
      const store = stores[random(2)] ?? stores[0];
      const settled = some().map((n) => ({ n, ...(RESULTS[random(4)] ?? DONE) }));
      await store.advance(id, { settled, claim: some() });
      const at = Date.now();
      const followed = await store.followed(id, { after: 0, limit: COUNT });
      await store.saw(
        id,
        followed.map(({ n }) => ({
          n,
          end: ENDS[random(4)] ?? { state: 'gone' },
          at,
          followed: random(2) === 0,
        })),
      );
      if (random(3) === 0) await store.takeUp({ id }, random(2) === 0 ? 0 : at + 60_000);
      expect(await kept(planes.one, id)).toEqual(await counted(planes.one, id));
    }
    const groups = await stores[1].results(id);
    const { became } = await countsOf(planes.one, id);
    const refused = groups.filter((one) => one.state === 'refused');
    expect(refused.map(({ cause = '' }) => cause).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'no bed',
      'read-only',
    ]);
    expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(became?.refused);
    await stores[1].end(id, 'cancelled');
    expect(await kept(planes.one, id)).toEqual(await counted(planes.one, id));
    await stores[0].abandon();
    expect(await kept(planes.one, id)).toEqual(await counted(planes.one, id));
    expect(await stores[0].items(id, { state: 'waiting', limit: 9 })).toEqual([]);
  });
});
