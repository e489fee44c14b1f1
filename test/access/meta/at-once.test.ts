import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import { type MetaDatabase, type MetaPlace } from '../../../src/access/meta/meta-database.ts';
import { apiTokens } from '../../../src/access/sign-in/api-tokens.ts';
import { failureDelay } from '../../../src/access/sign-in/failure-delay.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import { jobStore } from '../../../src/operator/job/stored-jobs.ts';
import { ApiError } from '../../../src/web/api-error.ts';
import { claimItem } from '../../support/job-steps.ts';
import { orderer } from '../../support/orderer.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

describe.each(META_STORES)('asked by many at once, in %s', (name, here) => {
  describe.skipIf(!here)('here and at another operator plane', () => {
    const stack = new AsyncDisposableStack();
    let place: MetaPlace;
    /** As two operator planes, or the command line beside one. */
    let one: MetaDatabase;
    let other: MetaDatabase;

    beforeAll(async () => {
      ({ place, one, other } = stack.use(await twoPlanes(name)));
    });
    afterAll(() => stack.disposeAsync());

    test('of many who come at once, here and at another operator plane, one gets what there is once', async () => {
      const both = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? one : other));
      const count = async (work: (database: MetaDatabase, n: number) => Promise<unknown>) => {
        const ended = await Promise.allSettled(both.map(work));
        return ended.filter((end) => end.status === 'fulfilled' && Boolean(end.value)).length;
      };
      const key = { kind: 'user', name: 'guessed' } as const;
      // three are free, whether they come one after the other or all together
      expect(
        await count(async (database) => (await failureDelay(database).tried([key])) === 0),
      ).toBe(3);

      const { refreshToken } = await apiTokens(one).pair('Anna');
      expect(await count((database) => apiTokens(database).refresh(refreshToken))).toBe(1);
      const user = { roles: [], scope: ['*'], password: 'x', mustChange: false };
      expect(
        await count(async (database) => {
          await users(database).add({ ...user, name: 'Twin' });
          return true;
        }),
      ).toBe(1);

      const list = { owner: 'anna', ids: [1], visible: undefined, complete: true };
      await frozenLists(one).keep('at once', list);
      const order = { type: 'resend', reason: undefined, target: undefined } as const;
      const made = await Promise.all(
        both.map((database) =>
          jobStore(database).add({ ...order, orderer: orderer('anna'), ids: [1], list: 'at once' }),
        ),
      );
      const job = made[0]?.id ?? 0;
      expect(new Set(made.map(({ id: of }) => of))).toEqual(new Set([job]));
      expect(await count((database) => claimItem(jobStore(database), job, 1))).toBe(1);
      expect(await count((database) => jobStore(database).end(job, 'cancelled'))).toBe(1);
      const seen = { rule: 'stopped', object: 'at once', host: 'x', level: 'error', text: 't' };
      expect(
        await count(async (database) => (await alertStore(database).see(seen as never, 1)).opened),
      ).toBe(1);
    });

    test('acts that are recorded at once are one chain', async () => {
      await using mine = await auditLog(place);
      await using yours = await auditLog(place);
      const before = (await mine.verify()).rows;
      const entry = { actor: { name: 'Anna', via: 'local' }, ip: '::1', action: 'message.view' };
      await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          (n % 2 === 0 ? mine : yours).record({
            ...entry,
            object: `message ${n}`,
            outcome: 'done',
          }),
        ),
      );
      expect(await mine.verify()).toMatchObject({ rows: before + 30, broken: undefined });
      expect(await yours.verify()).toMatchObject({ rows: before + 30, broken: undefined });
    });

    test('who is refused within a transaction is refused alone', async () => {
      const refusal = new ApiError(401, 'SIGN_IN_REQUIRED', 'sign in first');
      const refused = one.transaction(async (session) => {
        await session.get('SELECT 1');
        throw refusal;
      });
      await expect(refused).rejects.toBe(refusal);
      expect(await one.get('SELECT 1 AS n')).toMatchObject({ n: 1 });
    });

    test('what others write while a transaction is open is no part of it', async () => {
      const begun = Promise.withResolvers<void>();
      const undone = Promise.allSettled([
        one.transaction(async (session) => {
          await session.run("DELETE FROM preference WHERE owner = 'x'");
          begun.resolve();
          for (let n = 0; n < 5; n += 1) await session.get('SELECT 1');
          throw new Error('no');
        }),
      ]);

      await begun.promise;
      await one.run("INSERT INTO preference(owner, value) VALUES('beside', '{}')");
      expect(await undone).toMatchObject([{ reason: { message: 'no' } }]);
      expect(await other.get("SELECT value FROM preference WHERE owner = 'beside'")).toMatchObject({
        value: '{}',
      });
    });
  });
});
