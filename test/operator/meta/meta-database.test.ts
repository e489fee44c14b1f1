import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { holdList } from '../../../src/operator/api/hold-list.ts';
import { savedSearchList } from '../../../src/operator/api/saved-search-list.ts';
import { auditLog } from '../../../src/operator/audit/audit-log.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import { jobStore } from '../../../src/operator/job/job-store.ts';
import {
  auditDatabase,
  type MetaDatabase,
  type MetaPlace,
  metaDatabase,
} from '../../../src/operator/meta/meta-database.ts';
import { apiTokens } from '../../../src/operator/sign-in/api-tokens.ts';
import { failureDelay } from '../../../src/operator/sign-in/failure-delay.ts';
import { oidcAttempts } from '../../../src/operator/sign-in/oidc-attempts.ts';
import { sessions } from '../../../src/operator/sign-in/sessions.ts';
import { sharedKey } from '../../../src/operator/sign-in/shared-key.ts';
import { users } from '../../../src/operator/sign-in/users.ts';
import { orderer } from '../../support/orderer.ts';
import { postgresPrograms, startPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const programs = await postgresPrograms();

describe.each([
  ['SQLite', true],
  ['PostgreSQL', programs !== undefined],
] as const)('what people need beside the trace, in %s', (name, here) => {
  describe.skipIf(!here)('kept by one and read by another', () => {
    const stack = new AsyncDisposableStack();
    let place: MetaPlace;
    /** As two operator planes, or the command line beside one. */
    let one: MetaDatabase;
    let other: MetaDatabase;

    beforeAll(async () => {
      const folder = stack.use(await temporaryFolder('meta'));
      const server = name === 'SQLite' ? undefined : stack.use(await startPostgres(programs ?? ''));
      const shared = server === undefined ? undefined : { url: server.url, production: 'ward-1' };
      place = { data: folder.path, shared };
      one = stack.use(metaDatabase(place));
      other = stack.use(metaDatabase(place));
    }, 60_000);
    afterAll(() => stack.disposeAsync());

    test('a user, whatever the case of the name, with sessions and tokens that end with a change', () => {
      const known = users(one);
      expect(known.any()).toBe(false);
      const anna = { roles: ['viewer'], scope: ['*'], password: 'x', mustChange: true };
      known.add({ ...anna, name: 'Anna' });
      expect(() => known.add({ ...anna, name: 'ANNA' })).toThrow('there is a user ANNA already');
      expect(users(other).find('anna')).toMatchObject({ name: 'Anna', mustChange: true });
      const id = sessions(one).start({
        name: 'Anna',
        via: 'local',
        roles: [],
        scope: [],
        ip: '::1',
        provider: undefined,
        idToken: undefined,
      });
      expect(sessions(other).find(id)?.name).toBe('Anna');
      const { token } = apiTokens(one).add({
        label: 'a',
        user: 'Anna',
        permissions: undefined,
        expires: Date.now() + 60_000,
      });
      expect(apiTokens(other).check(token)).toMatchObject({ id: 1, user: 'Anna' });
      users(other).setRoles('anna', ['operator'], ['host:ward']);
      expect(sessions(one).find(id)).toBeUndefined();
      expect(() => apiTokens(one).check(token)).toThrow('revoked');
      users(one).signedIn('anna');
      expect(users(other).list()).toMatchObject([{ roles: ['operator'], scope: ['host:ward'] }]);
    });

    test('a refresh token is good once, whoever is asked', () => {
      const { refreshToken } = apiTokens(one).pair('Anna');
      expect(apiTokens(other).refresh(refreshToken).user).toBe('Anna');
      expect(() => apiTokens(one).refresh(refreshToken)).toThrow('used or revoked before');
    });

    test('failures count wherever they are made', () => {
      const key = { kind: 'user', name: 'Eve' } as const;
      for (const delay of [failureDelay(one), failureDelay(other)]) {
        for (let n = 0; n < 2; n++) delay.failed([key]);
      }
      expect(failureDelay(one).wait([key])).toBeGreaterThan(0);
      failureDelay(other).forgiven(key);
      failureDelay(other).succeeded(key);
      expect(failureDelay(one).wait([key])).toBe(0);
    });

    test('a sign-in that one began is ended by another, once; keys are the same', () => {
      const attempt = { state: 's', nonce: 'n', verifier: 'v', redirect: 'r' };
      const id = oidcAttempts(one).keep({ provider: 'kc', attempt, back: '/' });
      expect(oidcAttempts(other).take(id)).toEqual({ provider: 'kc', attempt, back: '/' });
      expect(oidcAttempts(one).take(id)).toBeUndefined();
      expect([...sharedKey(one, 'csrf')]).toEqual([...sharedKey(other, 'csrf')]);
    });

    test('searches, holds, lists, jobs and alerts', () => {
      const searches = savedSearchList(one);
      searches.save('anna', { name: 'mine', criteria: {} });
      const { id } = searches.save('anna', {
        name: 'mine',
        shared: true,
        criteria: { target: 'x' },
      });
      expect(savedSearchList(other).list('bert')).toMatchObject([{ id, name: 'mine' }]);
      expect(savedSearchList(other).remove('anna', id)).toBe(true);

      const hold = { sessionId: 5, reason: 'why', by: 'anna', at: 1, until: undefined };
      holdList(one).add(hold);
      holdList(one).add({ ...hold, reason: 'still' });
      expect(holdList(other).list(2)).toEqual([{ ...hold, reason: 'still' }]);
      holdList(other).remove(5);

      frozenLists(one).keep('list', {
        owner: 'anna',
        ids: [1, 2],
        visible: undefined,
        complete: true,
      });
      expect(frozenLists(other).find('list', { owner: 'anna', visible: undefined })?.ids).toEqual([
        1, 2,
      ]);

      const ids = Array.from({ length: 1_200 }, (_, n) => n + 10);
      const order = {
        type: 'resend',
        orderer: orderer('anna'),
        reason: undefined,
        target: undefined,
      } as const;
      const job = jobStore(one).add({ ...order, ids });
      frozenLists(one).started('list', job.id);
      expect(frozenLists(other).jobOf('list')).toBe(job.id);
      const item = jobStore(other).next(job.id);
      expect(item).toMatchObject({ n: 1, messageId: 10 });
      jobStore(other).settle(job.id, 1, { state: 'done', resultId: 99 });
      expect(jobStore(one).find(job.id)).toMatchObject({ total: 1_200, done: 1 });
      expect(jobStore(one).items(job.id, { after: 1_199, limit: 5 })).toMatchObject([
        { n: 1_200, messageId: 1_209 },
      ]);
      jobStore(one).end(job.id, 'stopped', 'anna lacks message.bulk by now');
      expect(jobStore(other).running()).toEqual([]);
      const stopped = jobStore(other).find(job.id);
      expect(stopped).toMatchObject({ by: 'anna', why: 'anna lacks message.bulk by now' });
      expect(stopped?.orderer).toEqual(orderer('anna'));
      expect(jobStore(one).size()).toEqual({ jobs: 1, messages: 1_200 });
      expect(jobStore(one).purge(stopped?.ended ?? 0)).toEqual({ jobs: 0, messages: 0 });
      expect(jobStore(one).purge(Number.MAX_SAFE_INTEGER)).toEqual({ jobs: 1, messages: 1_200 });

      const seen = {
        rule: 'stopped',
        object: 'ward',
        host: 'ward',
        level: 'error',
        text: 't',
      } as const;
      const { alert, opened } = alertStore(one).see(seen as never, 7);
      expect(opened).toBe(true);
      expect(alertStore(other).see(seen as never, 8).opened).toBe(false);
      alertStore(other).assign(alert.id, 'bert');
      alertStore(other).comment(alert.id, { at: 8, by: 'bert', text: 'the ward calls back' });
      alertStore(one).see({ ...seen, object: 'lab' } as never, 8);
      alertStore(other).snooze(alert.id, 9, 'bert');
      alertStore(other).notified(alert.id, 10);
      expect(alertStore(one).lastNotified(seen as never)).toBe(10);
      expect(alertStore(one).openCount(undefined)).toBe(1);
      alertStore(one).end(alert.id, 11);
      expect(alertStore(other).list({ ended: true, limit: 5 })).toMatchObject([
        { owner: 'bert', comments: [{ at: 8, by: 'bert', text: 'the ward calls back' }] },
      ]);
      expect(alertStore(one).list({ ended: false, limit: 5 })).toMatchObject([{ comments: [] }]);
      alertStore(one).purge(11);
      expect(alertStore(other).list({ ended: true, limit: 5 })).toHaveLength(1);
      alertStore(one).purge(12);
      expect(alertStore(other).list({ ended: true, limit: 5 })).toEqual([]);
      expect(alertStore(one).list({ ended: false, limit: 5 })).toHaveLength(1);
    });

    test('a database of an earlier version gets what came since, and keeps what it has', () => {
      const add = 'INSERT INTO job(type, by, created, state, orderer) VALUES(?, ?, 1, ?, ?)';
      one.run(add, 'resend', 'Anna', 'running', '{}');
      one.run(add, 'resend', 'Anna', 'finished', '{}');
      for (const column of ['orderer', 'why']) one.run(`ALTER TABLE job DROP COLUMN ${column}`);
      using upgraded = metaDatabase(place);
      using _ = metaDatabase(place);
      const jobs = jobStore(upgraded).list(2);
      expect(jobs.map(({ state, by }) => [state, by])).toEqual([
        ['finished', 'Anna'],
        ['cancelled', 'Anna'],
      ]);
      expect(jobs[1]?.ended).toBe(1);
    });

    test('the audit log is one chain, and nothing of it is changed or taken away', async () => {
      using mine = auditLog(place);
      using yours = auditLog(place);
      const entry = { actor: { name: 'Anna', via: 'local' }, ip: '::1', action: 'message.view' };
      for (const log of [mine, yours, mine]) {
        await log.record({ ...entry, object: 'message 1', outcome: 'done' });
      }
      expect(await yours.verify()).toMatchObject({ rows: 3, broken: undefined });
      expect(mine.list({ actor: 'anna', action: 'message.' })).toHaveLength(3);
      expect([...mine.rows({})].map(({ seq }) => seq)).toEqual([1, 2, 3]);
      await mine.record({
        ...entry,
        object: 'messages',
        outcome: 'done',
        detail: { search: { mrn: '4711' } },
      });
      expect(yours.list({ searched: '4711' })).toMatchObject([{ seq: 4 }]);
      using raw = auditDatabase(place);
      for (const act of ["UPDATE audit SET actor = 'Eve'", 'DELETE FROM audit']) {
        expect(() => raw.run(act)).toThrow(name === 'SQLite' ? 'only appended to' : 'P0001');
      }
      expect((await mine.verify()).rows).toBe(4);
    });

    test.skipIf(name === 'SQLite')(
      'a connection that is cut is made anew, and a transaction is not gone on with on it',
      () => {
        const cut = (): void => {
          other.run(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'waybill operator' AND pid <> pg_backend_pid()`,
          );
        };
        const before = users(other).list().length;
        expect(() =>
          one.transaction(() => {
            one.run('DELETE FROM "user"');
            cut();
            one.run('DELETE FROM job');
          }),
        ).toThrow('is not reached');
        expect(users(one).list()).toHaveLength(before);
        cut();
        let answered: number | undefined;
        for (let tries = 0; answered === undefined && tries < 3; tries++) {
          try {
            answered = users(one).list().length;
          } catch {
            // the first question after the cut may meet it
          }
        }
        expect(answered).toBe(before);
      },
    );

    test('what fails in the middle is undone', () => {
      const before = users(one).list().length;
      expect(() =>
        one.transaction(() => {
          one.run('DELETE FROM "user"');
          throw new Error('no');
        }),
      ).toThrow('no');
      expect(users(other).list()).toHaveLength(before);
    });
  });
});
