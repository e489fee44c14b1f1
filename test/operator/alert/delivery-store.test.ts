import { describe, expect, test } from 'vitest';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { deliveryStore, type NewDelivery } from '../../../src/operator/alert/delivery-store.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

const TRY: NewDelivery = {
  alert: 1,
  news: 'open',
  step: 1,
  recipient: 'ann',
  tried: 0,
  channel: 'pager',
  at: 1,
  state: 'sending',
};

describe.for(META_STORES)('in %s', ([name, there]) => {
  test.skipIf(!there)('of two planes that would send the same, one does', async () => {
    await using planes = await twoPlanes(name);
    const [one, other] = [deliveryStore(planes.one), deliveryStore(planes.other)];
    const claims = await Promise.all([one.claim(TRY), other.claim(TRY)]);
    const id = claims.find((claim) => claim !== undefined);
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    expect(await one.claim({ ...TRY, tried: 1, channel: 'mail' })).toBeDefined();
    await other.settle(id ?? 0, { state: 'failed', text: 'x answered 500' });
    expect(await one.of([1])).toMatchObject([
      { id, state: 'failed', text: 'x answered 500', messageId: undefined },
      { channel: 'mail', state: 'sending' },
    ]);
    expect((await one.unsettled(10)).map(({ channel }) => channel)).toEqual(['mail']);
    expect((await other.latest()).map(({ channel }) => channel)).toEqual(['pager']);
    await alertStore(planes.one).purge(2);
    expect(await one.of([1])).toEqual([]);
  });

  test.skipIf(!there)(
    'exceptions from the rota are seen by all planes until they end',
    async () => {
      await using planes = await twoPlanes(name);
      const [one, other] = [deliveryStore(planes.one), deliveryStore(planes.other)];
      const added = await one.addOverride({
        from: 10,
        to: 20,
        who: 'bob',
        by: 'ann',
        reason: 'ill',
      });
      expect(await other.overrides(19)).toEqual([added]);
      expect(await other.overrides(20)).toEqual([]);
      expect([await other.removeOverride(added.id), await one.removeOverride(added.id)]).toEqual([
        true,
        false,
      ]);
    },
  );
});
