import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import type { MetaDatabase, MetaPlace } from '../../../src/access/meta/meta-database.ts';
import { auditDatabase, metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { apiTokens } from '../../../src/access/sign-in/api-tokens.ts';
import { sharedKey } from '../../../src/access/sign-in/console-guard.ts';
import { factorStore, ownerOf } from '../../../src/access/sign-in/factor/factor-store.ts';
import { failureDelay } from '../../../src/access/sign-in/failure-delay.ts';
import { sessions } from '../../../src/access/sign-in/sessions.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { holdList } from '../../../src/api/hold-list.ts';
import { savedSearchList } from '../../../src/api/saved-search-list.ts';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { frozenLists } from '../../../src/operator/job/frozen-lists.ts';
import { jobStore } from '../../../src/operator/job/stored-jobs.ts';
import { noteStore } from '../../../src/operator/note/note-store.ts';
import { presence } from '../../../src/operator/note/presence.ts';
import { sealedAttempts } from '../../../src/peer/oidc/sealed-attempts.ts';
import { settleItem } from '../../support/job-steps.ts';
import { orderer } from '../../support/orderer.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

describe.each(META_STORES)('what people need beside the trace, in %s', (name, here) => {
  describe.skipIf(!here)('kept by one and read by another', () => {
    const stack = new AsyncDisposableStack();
    let place: MetaPlace;
    /** As two operator planes, or the command line beside one. */
    let one: MetaDatabase;
    let other: MetaDatabase;

    beforeAll(async () => {
      ({ place, one, other } = stack.use(await twoPlanes(name)));
    });
    afterAll(() => stack.disposeAsync());

    test('notes, found by what they are about and when; when somebody looked, and since when they were away', async () => {
      let time = 1_800_000_000_000;
      const now = (): number => time;
      const store = noteStore(one, now);
      const write = (object: string, text: string) =>
        store.add({
          about: 'host',
          object,
          hosts: [object],
          at: now(),
          by: 'Anna',
          via: 'local',
          text,
        });
      const first = await write('ward', 'they call back');
      time += 1_000;
      await write('lab', 'its disk is full');
      const there = noteStore(other, now);
      expect(await there.list({ about: 'host', object: 'ward', limit: 5 })).toEqual([first]);
      expect(
        (await there.list({ from: time, by: 'anna', limit: 5 })).map(({ object }) => object),
      ).toEqual(['lab']);
      expect(await there.edit(first.id, 'they called')).toMatchObject({
        text: 'they called',
        edited: time,
      });
      expect([await there.remove(first.id), await store.remove(first.id)]).toEqual([true, false]);
      time += 367 * 86_400_000;
      await write('ward', 'a year later');
      expect(await there.list({ limit: 5 })).toHaveLength(1);

      const mine = presence(one, now);
      const beside = presence(other, now);
      expect(await mine.seen('Anna', true)).toBeUndefined();
      time += 30 * 60_000;
      expect(await beside.seen('Anna', true)).toBeUndefined();
      const left = time;
      time += 2 * 3_600_000;
      // a page that asks by itself is nobody
      expect(await mine.seen('Anna', false)).toBeUndefined();
      expect(await mine.seen('Anna', true)).toEqual({ from: left, to: time });
      time += 3_600_000;
      // left again without reading
      expect(await beside.seen('Anna', true)).toEqual({ from: left, to: time });
      expect(await mine.seen('Bert', true)).toBeUndefined();
      await mine.caughtUp('Anna');
      expect(await beside.seen('Anna', true)).toBeUndefined();
      time += 2 * 3_600_000;
      await mine.seen('Anna', true);
      time += 13 * 3_600_000 - 1;
      expect((await beside.seen('Anna', false))?.from).toBeUndefined();
    });

    test('of two factors that are removed at once, one stays for somebody who needs one', async () => {
      const [first, second] = [factorStore(one), factorStore(other)];
      const owner = ownerOf({ via: 'local', name: 'Greta' });
      await first.putTotp(owner, 'sealed', 100);
      const key = { id: 'g', site: 'tie.example', label: 'key', publicKey: Buffer.of(1) };
      await first.addPasskey(owner, { ...key, counter: 0, transports: [] });
      const may = { last: false };
      const both = await Promise.all([
        first.remove(owner, 'totp', may),
        second.remove(owner, 'g', may),
      ]);
      expect(both.toSorted()).toEqual(['last', 'removed']);
      const [left] = await first.kinds(owner);
      const which = left === 'totp' ? 'totp' : 'g';
      expect(await second.remove(owner, 'other', may)).toBe('absent');
      expect(await second.remove(owner, which, { last: true })).toBe('removed');
      expect(await first.kinds(owner)).toEqual([]);
    });

    test('second factors: a code of an app, a recovery code and a counter are used once, by whichever plane is first', async () => {
      const [first, second] = [factorStore(one), factorStore(other)];
      const owner = ownerOf({ via: 'local', name: 'Frida' });
      expect(owner).toBe('local frida');
      await first.putTotp(owner, 'sealed', 100);
      expect(await second.kinds(owner)).toEqual(['totp']);
      expect(await second.useStep(owner, 100)).toBe(false);
      const both = await Promise.all([first.useStep(owner, 101), second.useStep(owner, 101)]);
      expect(both.filter(Boolean)).toHaveLength(1);
      const [code = ''] = await first.newCodes(owner);
      const used = await Promise.all([first.useCode(owner, code), second.useCode(owner, code)]);
      expect([used.filter(Boolean).length, await second.codesLeft(owner)]).toEqual([1, 9]);
      const key = {
        id: 'a-b_c',
        site: 'tie.example',
        label: 'phone',
        publicKey: Buffer.from([0, 255]),
      };
      await first.addPasskey(owner, { ...key, counter: 0, transports: ['internal'] });
      await second.usedPasskey('a-b_c', 7);
      expect(await first.passkeys(owner)).toMatchObject([
        { id: 'a-b_c', counter: 7, transports: ['internal'], lastUsed: expect.any(Number) },
      ]);
      expect(Buffer.from((await second.passkeys(owner))[0]?.publicKey ?? [])).toEqual(
        key.publicKey,
      );
      expect((await second.all()).get(owner)).toEqual(['totp', 'passkey']);
      expect([await second.forget(owner), await first.forget(owner)]).toEqual([true, false]);
      expect([await first.kinds(owner), await first.codesLeft(owner)]).toEqual([[], 0]);
    });

    test('a user, whatever the case of the name, with sessions and tokens that end with a change', async () => {
      const known = users(one);
      expect(await known.any()).toBe(false);
      const anna = { roles: ['viewer'], scope: ['*'], password: 'x', mustChange: true };
      await known.add({ ...anna, name: 'Anna' });
      await expect(known.add({ ...anna, name: 'ANNA' })).rejects.toThrow(
        'there is already a user Anna',
      );
      expect(await users(other).find('anna')).toMatchObject({ name: 'Anna', mustChange: true });
      const id = await sessions(one).start({
        name: 'Anna',
        via: 'local',
        roles: [],
        scope: [],
        ip: '::1',
        provider: undefined,
        idToken: undefined,
      });
      expect((await sessions(other).find(id))?.name).toBe('Anna');
      const { token } = await apiTokens(one).add({
        label: 'a',
        user: 'Anna',
        permissions: undefined,
        expires: Date.now() + 60_000,
      });
      expect(await apiTokens(other).check(token)).toMatchObject({ id: 1, user: 'Anna' });
      await users(other).setRoles('anna', ['operator'], ['host:ward']);
      expect(await sessions(one).find(id)).toBeUndefined();
      await expect(apiTokens(one).check(token)).rejects.toThrow('revoked');
      await users(one).signedIn('anna');
      expect(await users(other).list()).toMatchObject([
        { roles: ['operator'], scope: ['host:ward'] },
      ]);
    });

    test('a refresh token is good once, whoever is asked', async () => {
      const { refreshToken } = await apiTokens(one).pair('Anna');
      expect((await apiTokens(other).refresh(refreshToken)).user).toBe('Anna');
      await expect(apiTokens(one).refresh(refreshToken)).rejects.toThrow('used or revoked before');
    });

    test('failures count wherever they are made', async () => {
      const key = { kind: 'user', name: 'Eve' } as const;
      for (const delay of [failureDelay(one), failureDelay(other), failureDelay(one)]) {
        expect(await delay.tried([key])).toBe(0);
      }
      expect(await failureDelay(other).tried([key])).toBeGreaterThan(0);
      await failureDelay(other).forgiven(key);
      await failureDelay(other).succeeded(key);
      expect(await failureDelay(one).tried([key])).toBe(0);
    });

    test('a sign-in that one began is ended by another, in time; keys are the same', async () => {
      const attempt = { state: 's', nonce: 'n', verifier: 'v', redirect: 'r' };
      const key = await sharedKey(one, 'oidc-attempt');
      const same = await sharedKey(other, 'oidc-attempt');
      const waiting = { provider: 'kc', attempt, back: '/' };
      const sealed = sealedAttempts(key).seal(waiting);
      expect(sealedAttempts(same).open(sealed)).toEqual(waiting);
      const late = Date.now() + 11 * 60_000;
      expect(sealedAttempts(same, () => late).open(sealed)).toBeUndefined();
      expect(sealedAttempts(await sharedKey(one, 'csrf')).open(sealed)).toBeUndefined();
      expect(sealedAttempts(key).open(`A${sealed.slice(1)}A`)).toBeUndefined();
    });

    test('searches, holds, lists, jobs and alerts', async () => {
      const searches = savedSearchList(one);
      await searches.save('anna', { name: 'mine', criteria: {} });
      const saved = await searches.save('anna', {
        name: 'mine',
        shared: true,
        criteria: { target: 'x' },
      });
      const id = saved?.id ?? 0;
      expect(await savedSearchList(other).list('bert')).toMatchObject([{ id, name: 'mine' }]);
      expect(await savedSearchList(other).remove('anna', id)).toBe(true);

      const hold = { sessionId: 5, reason: 'why', by: 'anna', at: 1, until: undefined };
      await holdList(one).add(hold);
      await holdList(one).add({ ...hold, reason: 'still' });
      expect(await holdList(other).list(2)).toEqual([{ ...hold, reason: 'still' }]);
      await holdList(other).remove(5);

      await frozenLists(one).keep('list', {
        owner: 'anna',
        ids: [1, 2],
        visible: undefined,
        complete: true,
      });
      expect(
        (await frozenLists(other).find('list', { owner: 'anna', visible: undefined }))?.ids,
      ).toEqual([1, 2]);

      const ids = Array.from({ length: 1_200 }, (_, n) => n + 10);
      const order = {
        type: 'resend',
        orderer: orderer('anna'),
        reason: undefined,
        target: undefined,
      } as const;
      const job = await jobStore(one).add({ ...order, ids, list: 'list' });
      // ordered again, it is the same job
      expect((await jobStore(other).add({ ...order, ids, list: 'list' })).id).toBe(job.id);
      expect(await frozenLists(other).jobOf('list')).toBe(job.id);
      const [item] = await jobStore(other).waiting(job.id, 2);
      expect(item).toMatchObject({ n: 1, messageId: 10 });
      await settleItem(jobStore(other), job.id, { n: 1, state: 'done', resultId: 99 });
      expect(await jobStore(one).find(job.id)).toMatchObject({ total: 1_200, done: 1 });
      expect(await jobStore(one).items(job.id, { after: 1_199, limit: 5 })).toMatchObject([
        { n: 1_200, messageId: 1_209 },
      ]);
      await jobStore(one).end(job.id, 'stopped', 'anna lacks message.bulk by now');
      expect(await jobStore(other).running()).toEqual([]);
      const stopped = await jobStore(other).find(job.id);
      expect(stopped).toMatchObject({ by: 'anna', why: 'anna lacks message.bulk by now' });
      expect(stopped?.orderer).toEqual(orderer('anna'));
      expect(await jobStore(one).size()).toEqual({ jobs: 1, messages: 1_200 });
      expect(await jobStore(one).purge(stopped?.ended ?? 0)).toEqual({ jobs: 0, messages: 0 });
      // not while the message that it made is followed
      expect(await jobStore(one).purge(Number.MAX_SAFE_INTEGER)).toEqual({ jobs: 0, messages: 0 });
      const end = { state: 'delivered' } as const;
      await jobStore(one).saw(job.id, [{ n: 1, end, at: 0, followed: false }]);
      expect(await jobStore(one).purge(Number.MAX_SAFE_INTEGER)).toEqual({
        jobs: 1,
        messages: 1_200,
      });

      const seen = {
        rule: 'stopped',
        object: 'ward',
        host: 'ward',
        level: 'error',
        text: 't',
      } as const;
      const { alert, opened } = await alertStore(one).see(seen as never, 7);
      expect(opened).toBe(true);
      expect((await alertStore(other).see(seen as never, 8)).opened).toBe(false);
      await alertStore(other).assign(alert.id, 'bert');
      await alertStore(other).comment(alert.id, {
        at: 8,
        by: 'bert',
        via: 'local',
        text: 'the ward calls back',
      });
      await alertStore(one).see({ ...seen, object: 'lab' } as never, 8);
      await alertStore(other).snooze(alert.id, 9, 'bert');
      await alertStore(other).notified(alert.id, 10);
      expect(await alertStore(one).lastNotified(seen as never)).toBe(10);
      expect(await alertStore(one).openCount(undefined)).toBe(1);
      await alertStore(one).end(alert.id, 11);
      expect(await alertStore(other).list({ ended: true, limit: 5 })).toMatchObject([
        { owner: 'bert', comments: [{ at: 8, by: 'bert', text: 'the ward calls back' }] },
      ]);
      expect(await alertStore(one).list({ ended: false, limit: 5 })).toMatchObject([
        { comments: [] },
      ]);
      await alertStore(one).purge(11);
      expect(await alertStore(other).list({ ended: true, limit: 5 })).toHaveLength(1);
      await alertStore(one).purge(12);
      expect(await alertStore(other).list({ ended: true, limit: 5 })).toEqual([]);
      expect(await alertStore(one).list({ ended: false, limit: 5 })).toHaveLength(1);
    });

    test('a database from before forms were counted gets what came since, and keeps what it has', async () => {
      const add = 'INSERT INTO job(type, by, created, state, orderer) VALUES(?, ?, 1, ?, ?)';
      await one.run(add, 'resend', 'Anna', 'running', '{}');
      await one.run(add, 'resend', 'Anna', 'finished', '{}');
      await one.run('DROP TABLE stored_version');
      for (const column of ['orderer', 'why'])
        await one.run(`ALTER TABLE job DROP COLUMN ${column}`);
      await using upgraded = await metaDatabase(place);
      await using _ = await metaDatabase(place);
      const jobs = await jobStore(upgraded).list(2);
      expect(jobs.map(({ state, by }) => [state, by])).toEqual([
        ['finished', 'Anna'],
        ['cancelled', 'Anna'],
      ]);
      expect(jobs[1]?.ended).toBe(1);
    });

    test('the audit log is one chain, and nothing of it is changed or taken away', async () => {
      await using mine = await auditLog(place);
      await using yours = await auditLog(place);
      const entry = { actor: { name: 'Anna', via: 'local' }, ip: '::1', action: 'message.view' };
      for (const log of [mine, yours, mine]) {
        await log.record({ ...entry, object: 'message 1', outcome: 'done' });
      }
      expect(await yours.verify()).toMatchObject({ rows: 3, broken: undefined });
      expect(await mine.list({ actor: 'anna', action: 'message.' })).toHaveLength(3);
      const seen: number[] = [];
      for await (const { seq } of mine.rows({})) seen.push(seq);
      expect(seen).toEqual([1, 2, 3]);
      await mine.record({
        ...entry,
        object: 'messages',
        outcome: 'done',
        detail: { search: { mrn: '4711' } },
      });
      expect(await yours.list({ searched: '4711' })).toMatchObject([{ seq: 4 }]);
      await using raw = await auditDatabase(place);
      for (const act of ["UPDATE audit SET actor = 'Eve'", 'DELETE FROM audit']) {
        await expect(raw.run(act)).rejects.toThrow(
          name === 'SQLite' ? 'only be appended to' : 'P0001',
        );
      }
      expect((await mine.verify()).rows).toBe(4);
    });

    test.skipIf(name === 'SQLite')(
      'a connection that is cut is made anew, and a transaction is not gone on with on it',
      async () => {
        const cut = async (): Promise<void> => {
          await other.run(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'waybill operator meta' AND pid <> pg_backend_pid()`,
          );
        };
        const before = (await users(other).list()).length;
        await expect(
          one.transaction(async (session) => {
            await session.run('DELETE FROM "user"');
            await cut();
            await session.run('DELETE FROM job');
          }),
        ).rejects.toThrow('does not answer');
        expect(await users(one).list()).toHaveLength(before);
        await cut();
        let answered: number | undefined;
        for (let tries = 0; answered === undefined && tries < 3; tries++) {
          try {
            answered = (await users(one).list()).length;
          } catch {
            // the first question after the cut may meet it
          }
        }
        expect(answered).toBe(before);
      },
    );

    test('what fails in the middle is undone', async () => {
      const before = (await users(one).list()).length;
      await expect(
        one.transaction(async (session) => {
          await session.run('DELETE FROM "user"');
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      expect(await users(other).list()).toHaveLength(before);
    });
  });
});
