import { describe, expect, test } from 'vitest';
import { emergencies } from '../../../src/access/rights/emergency.ts';
import { rights } from '../../../src/access/rights/principal-for.ts';
import { BUILT_IN_ROLES } from '../../../src/access/rights/roles.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

const OLGA = { name: 'olga', roles: ['operator'], scope: ['*'], via: 'local' };
const BEGUN = { name: 'olga', via: 'local', reason: 'the ward waits', from: 1_000, until: 2_000 };

describe.for(META_STORES)('in %s', ([name, there]) => {
  test.skipIf(!there)(
    'an emergency lasts until its time, on every plane, for that person alone',
    async () => {
      await using planes = await twoPlanes(name);
      let now = 1_000;
      const [one, other] = [planes.one, planes.other].map((plane) => emergencies(plane, () => now));
      if (one === undefined || other === undefined) throw new Error('two planes');
      const compile = rights(BUILT_IN_ROLES, async () => [], other);
      const sees = async (who: Parameters<typeof compile>[0]) => (await compile(who)).unmasked;
      expect(await sees(OLGA)).toBe(false);
      await one.begin(BEGUN);
      expect(await compile(OLGA)).toMatchObject({
        unmasked: true,
        emergency: { until: 2_000, reason: 'the ward waits' },
      });
      expect(await sees({ ...OLGA, name: 'Olga' })).toBe(true);
      expect(await sees({ ...OLGA, via: 'oidc' })).toBe(false);
      expect(await sees({ ...OLGA, name: 'oleg' })).toBe(false);
      expect(await sees({ ...OLGA, roles: ['viewer'] })).toBe(false);
      // neither a token nor a job of theirs sees more
      expect(await sees({ ...OLGA, limit: ['message.content', 'message.emergency'] })).toBe(false);
      now = 2_000;
      expect(await sees(OLGA)).toBe(false);
      expect(await one.end('olga', 'local')).toBe(false);
    },
  );

  test.skipIf(!there)('one that is ended at once is still told of', async () => {
    await using planes = await twoPlanes(name);
    const [one, other] = [
      emergencies(planes.one, () => 1_500),
      emergencies(planes.other, () => 1_500),
    ];
    const { id } = await one.begin(BEGUN);
    expect(await one.end('olga', 'local')).toBe(true);
    expect(await other.active('olga', 'local')).toBeUndefined();
    expect((await other.untold()).map((untold) => untold.id)).toEqual([id]);
    await other.told([id]);
    expect(await one.untold()).toEqual([]);
  });
});
