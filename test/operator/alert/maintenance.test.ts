import { describe, expect, test } from 'vitest';
import type { Rule } from '../../../src/operator/alert/condition.ts';
import {
  type Maintenance,
  maintenanceStore,
  plannedNow,
} from '../../../src/operator/alert/maintenance.ts';
import { endWork, planWork } from '../../../src/operator/alert/plan-work.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

const MINUTE = 60_000;
const WORK = {
  id: 1,
  hosts: ['lis'],
  from: 100 * MINUTE,
  to: 200 * MINUTE,
  reason: 'x',
  by: 'ann',
};

/** Whether somebody is told of an alert at a minute. */
const isTold = async (
  work: Partial<Maintenance>,
  minute: number,
  rule: Rule,
  host?: string,
): Promise<boolean> => {
  const store = {
    after: async (time: number) => [{ ...WORK, ...work }].filter(({ to }) => to > time),
  };
  const planned = await plannedNow(store, minute * MINUTE);
  return planned({ rule, host }) === undefined;
};

describe('nobody is told of what planned work causes', () => {
  test.for([
    // before, during, after
    [{}, 99, 'disconnected', 'lis', true],
    [{}, 100, 'disconnected', 'lis', false],
    [{}, 199, 'queue', 'lis', false],
    [{}, 200, 'queue', 'lis', true],
    // what is seen of it somewhat later
    [{}, 204, 'silent', 'lis', false],
    [{}, 206, 'silent', 'lis', true],
    [{}, 320, 'fewer', 'lis', false],
    [{}, 330, 'fewer', 'lis', true],
    // other hosts, and what does not come of it
    [{}, 150, 'queue', 'ward', true],
    [{}, 150, 'lost', 'lis', true],
    [{}, 150, 'certificate', 'lis', true],
    [{}, 150, 'engine', undefined, true],
    [{}, 150, 'emergency', undefined, true],
    // of the whole production
    [{ hosts: [] }, 150, 'queue', 'ward', false],
    [{ hosts: [] }, 150, 'engine', undefined, false],
    [{ hosts: [] }, 150, 'nats', undefined, false],
    [{ hosts: [] }, 150, 'disk', undefined, true],
    [{ hosts: [] }, 150, 'lost', 'lis', true],
    [{ hosts: [] }, 150, 'emergency', undefined, true],
    // given up before it began
    [{ to: 90 * MINUTE }, 150, 'fewer', 'lis', true],
  ] as const)('%o at %d of %s at %s: told %s', async ([work, minute, rule, host, told]) => {
    expect(await isTold(work, minute, rule, host)).toBe(told);
  });
});

const engines = { describe: async () => ({ hosts: [{ name: 'lis' }] }) as never };

describe.for(META_STORES)('in %s', ([name, there]) => {
  test.skipIf(!there)('work is planned, moved and ended once, for all planes', async () => {
    await using planes = await twoPlanes(name);
    const [one, other] = [maintenanceStore(planes.one), maintenanceStore(planes.other)];
    const parts = { maintenance: one, engines };
    const from = Date.now();
    const work = { hosts: ['lis', 'lis'], from, to: from + MINUTE, reason: 'LIS 7.2', by: 'ann' };
    const planned = await planWork(parts, work);
    expect(await other.after(from)).toEqual([{ ...work, hosts: ['lis'], id: planned.id }]);
    const longer = await endWork({ maintenance: other }, planned.id, from + 2 * MINUTE);
    expect(longer.to).toBe(from + 2 * MINUTE);
    // a time that is past ends it now
    const ended = await endWork(parts, planned.id, 0);
    expect(ended.to).toBeGreaterThanOrEqual(from);
    expect(await other.after(Date.now())).toEqual([]);
    expect(await other.before(Date.now(), 9)).toMatchObject([{ id: planned.id, to: ended.to }]);
    await expect(endWork(parts, planned.id, from + MINUTE)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    // by a browser whose clock is ahead, work is given up before it begins
    const ahead = await planWork(parts, { ...work, from: from + MINUTE, to: from + 2 * MINUTE });
    expect((await endWork(parts, ahead.id, Date.now() + 5_000)).to).toBeLessThanOrEqual(Date.now());
    expect(await other.after(Date.now())).toEqual([]);
    for (const [change, code] of [
      [{ hosts: ['lsi'] }, 'HOST_UNKNOWN'],
      [{ to: from - 1 }, 'QUERY_INVALID'],
      [{ from: 0, to: 1 }, 'QUERY_INVALID'],
      [{ to: from + 32 * 1_440 * MINUTE }, 'QUERY_INVALID'],
    ] as const)
      await expect(planWork(parts, { ...work, ...change })).rejects.toMatchObject({ code });
  });
});
