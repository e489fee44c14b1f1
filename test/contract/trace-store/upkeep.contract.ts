import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startOfDay } from '../../../src/trace/store/day.ts';
import type { SearchKey } from '../../../src/trace/trace-input.ts';
import { NOON, sampleAttempt, sampleSession } from '../../support/trace-sample.ts';
import { DAY, idsOf, type OpenTraceStore, opened } from './opened.ts';

const namesOf = (...chosen: string[]): ReadonlyMap<string, string> =>
  new Map(chosen.map((field) => [field, `path of ${field}`]));
const allKeys = (): readonly SearchKey[] =>
  ['mrn', 'ward', 'visit'].map((field) => ({ name: field, value: `${field} 1` }));
const wardAt = (path: string): ReadonlyMap<string, string> => new Map([['ward', path]]);
const wards = (value: string) => (): readonly SearchKey[] => [{ name: 'ward', value }];

/** Purge keeps what is open or held; re-indexing finds what it should. */
export function describeTraceUpkeep(name: string, open: OpenTraceStore): void {
  describe(`${name}: mark`, () => {
    test('is the one given last, whatever comes and goes meanwhile', async () => {
      const { store, reopen, dispose } = await open({ now: NOON + 10 * DAY });
      onTestFinished(dispose);
      expect(await store.mark()).toBeUndefined();
      await store.setMark('empty');
      await store.apply(sampleSession().all);
      expect(await store.mark()).toBe('empty');
      await store.setMark('filled');
      await store.apply(sampleSession({ at: NOON + DAY }).all);
      const again = await reopen();
      expect(await again.mark()).toBe('filled');
      await again.setMark('newest');
      await again.purge({ now: NOON + DAY * 8.5, keep: 7 * DAY, removeBody: async () => {} });
      expect(await again.mark()).toBe('newest');
    });
  });

  describe(`${name}: purge`, () => {
    const LATER = NOON + 10 * DAY;
    const HOUR = 3_600_000;
    const WEEK = 7 * DAY;

    test('settled days go whole, open and held sessions stay and say why', async () => {
      const store = await opened(open);
      const settled = sampleSession();
      const queued = sampleSession({ number: 1, mrn: 'M-OPEN', bodyRef: 'kept' });
      const suspended = sampleSession({ number: 2, outcome: { status: 'suspended' } });
      const pinned = sampleSession({ number: 3, mrn: 'M-PINNED' });
      const young = sampleSession({ number: 4, at: LATER - DAY });
      const large = sampleSession({ number: 5, bodyRef: 'gone' });
      await store.apply([
        ...settled.all,
        queued.arrival,
        queued.queued,
        sampleAttempt(queued, 1),
        ...suspended.all,
        ...pinned.all,
        ...young.all,
        ...large.all,
      ]);
      await store.hold(pinned.root, { reason: 'complaint 12', by: 'jdoe' });
      const before = await Promise.all(
        [queued, suspended, pinned].map(({ root }) => store.session(root)),
      );
      const gone: string[] = [];
      const report = await store.purge({
        now: LATER,
        keep: 7 * DAY,
        removeBody: async (ref) => void gone.push(ref),
      });
      expect(report).toMatchObject({
        removed: [{ day: '2026-03-10', messages: 10, because: 'age' }],
        keptSessions: 3,
        kept: [
          { sessionId: queued.root, messageId: queued.derived, host: 'ward', reason: 'retrying' },
          { sessionId: suspended.root, messageId: suspended.derived, reason: 'suspended' },
          { sessionId: pinned.root, reason: 'held' },
        ],
        bodiesRemoved: 0,
      });
      expect(await store.session(settled.root)).toBeUndefined();
      expect(
        await Promise.all([queued, suspended, pinned].map(({ root }) => store.session(root))),
      ).toEqual(before);
      expect(Buffer.from((await store.body(pinned.derived))?.bytes ?? []).toString()).toContain(
        '|WARD|',
      );
      expect(await store.body(queued.derived)).toMatchObject({ ref: 'kept' });
      expect(await idsOf(store, { search: { mrn: 'M-PINNED' } })).toHaveLength(2);
      expect(await idsOf(store, {})).toEqual(
        [young, pinned, suspended, queued]
          .flatMap(({ derived, root }) => [derived, root])
          .toSorted((a, b) => b - a),
      );
      expect(await idsOf(store, { search: { mrn: 'M1' } })).toEqual([
        young.derived,
        young.root,
        suspended.derived,
        suspended.root,
      ]);
      expect(await store.orphans()).toBe(0);
      expect((await store.usage()).heldSessions).toBe(3);
    });

    test('a dry run says what would go and changes nothing', async () => {
      const store = await opened(open);
      const settled = sampleSession();
      const queued = sampleSession({ number: 1 });
      const pinned = sampleSession({ number: 2 });
      const young = sampleSession({ number: 3, at: LATER - DAY });
      const old = sampleSession({ number: 4, at: NOON - 20 * DAY });
      await store.apply([old.arrival, old.queued]);
      await store.purge({ now: NOON - 10 * DAY, keep: 7 * DAY });
      await store.apply([
        old.outcome,
        ...settled.all,
        queued.arrival,
        queued.queued,
        ...pinned.all,
        ...young.all,
      ]);
      await store.hold(pinned.root, { reason: 'complaint 12', by: 'jdoe' });
      const before = await idsOf(store, {});
      const usage = await store.usage();
      const planned = await store.purge({ now: LATER, keep: 7 * DAY, dryRun: true });
      expect(planned).toMatchObject({
        removed: [{ day: '2026-03-10', messages: 6, because: 'age' }],
        released: 1,
        keptSessions: 2,
        kept: [{ messageId: queued.derived, host: 'ward', reason: 'queued' }],
      });
      expect(planned.removed[0]?.bytes).toBeGreaterThan(0);
      expect(await idsOf(store, {})).toEqual(before);
      expect(await store.usage()).toEqual(usage);
      // what was foretold comes true
      const { removed, released, keptSessions } = await store.purge({ now: LATER, keep: 7 * DAY });
      expect({ removed, released, keptSessions }).toEqual({
        removed: planned.removed,
        released: planned.released,
        keptSessions: planned.keptSessions,
      });
    });

    test('a large body goes with the last session that points to it, an hour later', async () => {
      const store = await opened(open);
      const first = sampleSession({ bodyRef: 'shared' });
      const again = sampleSession({ number: 1, at: NOON + 5 * DAY, bodyRef: 'shared' });
      const waiting = sampleSession({ number: 2, bodyRef: 'open' });
      await store.apply([...first.all, ...again.all, waiting.arrival, waiting.queued]);
      const removed: string[] = [];
      const purge = (now: number) =>
        store.purge({ now, keep: 7 * DAY, removeBody: async (ref) => void removed.push(ref) });
      expect(await store.pointsTo('shared')).toBe(true);
      expect(await store.pointsTo('other')).toBe(false);
      await purge(LATER);
      expect(await purge(LATER + HOUR)).toMatchObject({ bodiesRemoved: 0 });
      expect(await store.body(again.derived)).toMatchObject({ ref: 'shared' });
      await purge(LATER + 5 * DAY);
      expect(await store.pointsTo('shared')).toBe(false);
      // it is open, so it outlives its day
      expect(await store.pointsTo('open')).toBe(true);
      expect(removed).toEqual([]);
      expect(await purge(LATER + 5 * DAY + HOUR)).toMatchObject({ bodiesRemoved: 1 });
      expect(removed).toEqual(['shared']);
    });

    test('a late outcome finds its session after its day is gone, and the session goes when it is settled long enough', async () => {
      const store = await opened(open);
      const sample = sampleSession();
      await store.apply([sample.arrival, sample.queued]);
      await store.purge({ now: LATER, keep: 7 * DAY });
      const late = sampleSession({ outcome: { done: LATER } });
      await store.apply([late.outcome]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        done: LATER,
        source: 'router',
      });
      const soon = await store.purge({ now: LATER + DAY, keep: 7 * DAY });
      expect(soon).toMatchObject({ released: 0, keptSessions: 1, kept: [] });
      const later = await store.purge({ now: LATER + 8 * DAY, keep: 7 * DAY });
      expect(later).toMatchObject({ released: 1, keptSessions: 0 });
      expect(await store.session(sample.root)).toBeUndefined();
      expect(await store.orphans()).toBe(0);
    });

    test('roll-ups outlive their day, by the hour', async () => {
      const store = await opened(open);
      await store.apply([
        ...sampleSession().all,
        ...sampleSession({ number: 1, at: NOON + 600_000 }).all,
      ]);
      await store.purge({ now: LATER, keep: 7 * DAY });
      await store.purge({ now: LATER, keep: 7 * DAY });
      const rows = await store.statistics({
        from: NOON - DAY,
        to: LATER,
        step: 3_600_000,
        hosts: ['ward'],
      });
      expect(rows).toMatchObject([{ at: NOON, in: 2, out: 2, latencyMax: 23 }]);
    });

    test('when hosts ran is known by the hour, whoever saw it how often, and across restarts', async () => {
      const { store, reopen, dispose } = await open();
      onTestFinished(dispose);
      const seen = [0, 60_000, 0, 1_800_000, HOUR];
      for (const later of seen) await store.sawRunning(['ward', 'router'], NOON + later);
      await store.sawRunning(['late'], NOON + HOUR - 1);
      await store.sawRunning([], NOON);
      const again = await reopen();
      await again.sawRunning(['ward'], NOON + 1_800_000);
      const hours = await again.hostHours({ from: NOON, to: NOON + HOUR });
      expect(hours.toSorted((a, b) => a.at - b.at || (a.host < b.host ? -1 : 1))).toEqual([
        { host: 'late', at: NOON, ran: 1 / 6 },
        { host: 'router', at: NOON, ran: 2 / 6 },
        { host: 'ward', at: NOON, ran: 2 / 6 },
        { host: 'router', at: NOON + HOUR, ran: 1 / 6 },
        { host: 'ward', at: NOON + HOUR, ran: 1 / 6 },
      ]);
      expect(await again.hostHours({ from: NOON + 1, to: NOON + HOUR - 1 })).toEqual([]);
    });

    test('roll-ups are kept for 13 weeks, or as long as their messages', async () => {
      const store = await opened(open);
      const known = async (): Promise<number[]> => {
        const asked = { from: NOON, to: NOON + HOUR };
        const rows = await store.statistics({ ...asked, step: HOUR, hosts: ['ward'] });
        return [rows.length, (await store.hostHours(asked)).length];
      };
      await store.apply(sampleSession().all);
      await store.sawRunning(['ward'], NOON);
      await store.purge({ now: NOON + 12 * WEEK, keep: 7 * DAY });
      expect(await known()).toEqual([1, 1]);
      await store.purge({ now: NOON + 14 * WEEK, keep: 52 * 7 * DAY });
      expect(await known()).toEqual([1, 1]);
      await store.purge({ now: NOON + 14 * WEEK, keep: 7 * DAY, dryRun: true });
      expect(await known()).toEqual([1, 1]);
      await store.purge({ now: NOON + 14 * WEEK, keep: 7 * DAY });
      expect(await known()).toEqual([0, 0]);
    });

    test('above its size the oldest days go early, never the current one', async () => {
      const store = await opened(open);
      for (const day of [0, 1, 2]) {
        await store.apply(sampleSession({ at: LATER + day * DAY, number: day }).all);
      }
      const report = await store.purge({ now: LATER + 2 * DAY, keep: 7 * DAY, maxBytes: 1 });
      expect(report.removed.map(({ day, because }) => [day, because])).toEqual([
        ['2026-03-20', 'size'],
        ['2026-03-21', 'size'],
      ]);
      expect((await store.usage()).days.map(({ day }) => day)).toEqual(['2026-03-22']);
    });

    test('what arrives while a day is being removed is kept if it is open', async () => {
      const store = await opened(open);
      const many = Array.from({ length: 450 }, (_, number) =>
        sampleSession({ number, at: NOON + number }),
      );
      await store.apply(many.flatMap(({ arrival, queued }) => [arrival, queued]));
      const purging = store.purge({ now: LATER, keep: 7 * DAY });
      const newcomer = sampleSession({ number: 1, at: NOON + 90_000 });
      const settled = sampleSession({ outcome: { done: LATER } });
      await store.apply([newcomer.arrival, newcomer.queued, settled.outcome]);
      const report = await purging;
      expect(report.keptSessions).toBeGreaterThanOrEqual(450);
      expect(await store.message(newcomer.derived)).toMatchObject({ status: 'queued' });
      expect(await store.message(settled.derived)).toMatchObject({ status: 'completed' });
      expect(await store.openMessages('ward')).toHaveLength(450);
      expect(await store.orphans()).toBe(0);
    });

    test('a hold that ran out no longer keeps its session', async () => {
      const store = await opened(open);
      const sample = sampleSession();
      await store.apply(sample.all);
      await store.hold(sample.root, { reason: 'audit', by: 'jdoe', until: LATER + DAY });
      await store.purge({ now: LATER, keep: 7 * DAY });
      expect(await store.session(sample.root)).toBeDefined();
      await store.purge({ now: LATER + 2 * DAY, keep: 7 * DAY });
      expect(await store.session(sample.root)).toBeUndefined();
      await expect(store.hold(sample.root, { reason: 'x', by: 'jdoe' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    test('a released session goes with the next purge', async () => {
      const store = await opened(open);
      const sample = sampleSession();
      await store.apply(sample.all);
      await store.hold(sample.root, { reason: 'audit', by: 'jdoe' });
      await store.purge({ now: LATER, keep: 7 * DAY });
      await store.release(sample.root);
      expect(await store.purge({ now: LATER, keep: 7 * DAY })).toMatchObject({ released: 1 });
    });
  });

  describe(`${name}: re-index`, () => {
    test('of a new trace is not told of', async () => {
      const store = await opened(open);
      const onBegin = vi.fn<() => void>();
      const search = new Map([['mrn', 'PID-3.1']]);
      expect(await store.reindex({ search, keys: () => [], onBegin })).toMatchObject({
        messages: 0,
      });
      expect(onBegin).not.toHaveBeenCalled();
      // a search by it finds nothing, and is no mistake
      expect(await store.fields()).toEqual(['mrn']);
    });

    test('keys are read anew from the bodies, with progress, once for each set of search fields', async () => {
      const store = await opened(open);
      const samples = Array.from({ length: 30 }, (_, number) =>
        sampleSession({
          number,
          at: startOfDay('2026-03-10') + number * 3_600_000,
          mrn: `M${number}`,
        }),
      );
      await store.apply(samples.flatMap(({ all }) => all));
      const begun: unknown[] = [];
      const options = {
        search: new Map([['receiver', 'MSH-5']]),
        keys: (body: { bytes?: Uint8Array | undefined }) => {
          const text = Buffer.from(body.bytes ?? []).toString();
          return [{ name: 'receiver', value: text.split('|')[4] ?? '' }];
        },
        onBegin: (begin: unknown) => begun.push(begin),
      };
      const report = await store.reindex(options);
      expect(report).toMatchObject({ messages: 60, keys: 60, failed: 0 });
      expect(begun).toMatchObject([{ messages: 60, fields: ['control-id', 'receiver'] }]);
      expect(await idsOf(store, { search: { mrn: 'M3' } })).toEqual([]);
      expect(await idsOf(store, { search: { receiver: 'ward' }, limit: 1_000 })).toHaveLength(60);
      expect(await store.reindex(options)).toMatchObject({ messages: 0 });
      await store.apply(sampleSession({ at: NOON + 20 * DAY }).all);
      expect(await store.reindex(options)).toMatchObject({ messages: 0 });
      const moved = { ...options, search: new Map([['receiver', 'MSH-6']]) };
      expect(await store.reindex(moved)).toMatchObject({ messages: 62, keys: 62 });
      expect(await store.orphans()).toBe(0);
    });

    test('another field is added and one taken away, and the rest is neither read nor missing', async () => {
      const store = await opened(open);
      await store.apply(sampleSession({ mrn: 'M1' }).all);
      await store.reindex({ search: namesOf('mrn', 'visit'), keys: allKeys });
      const read: string[] = [];
      const report = await store.reindex({
        search: namesOf('mrn', 'ward'),
        keys: () => {
          read.push('body');
          return [
            { name: 'ward', value: 'W1' },
            { name: 'mrn', value: 'M2' },
          ];
        },
      });
      expect(report).toMatchObject({ messages: 2, keys: 1 });
      const found = async (search: Record<string, string>): Promise<number> =>
        (await store.find({ search })).items.length;
      expect(await found({ mrn: 'mrn 1' })).toBe(2);
      expect(await found({ ward: 'W1' })).toBe(2);
      expect(await found({ mrn: 'M2' })).toBe(0);
      expect(await found({ visit: 'visit 1' })).toBe(0);
      read.length = 0;
      expect(await store.reindex({ search: namesOf('mrn'), keys: allKeys })).toMatchObject({
        messages: 0,
      });
      expect(read).toEqual([]);
      expect(await found({ ward: 'W1' })).toBe(0);
    });

    test('a search tells what is not indexed yet, and a job cut short goes on where it was', async () => {
      const store = await opened(open);
      const noon = startOfDay('2026-03-10') + 12 * 3_600_000;
      const at = [noon, noon + 3_600_000, noon + 7_200_000];
      const late = noon + 6 * 3_600_000;
      await store.apply(
        [...at, late].flatMap(
          (time, number) => sampleSession({ number, at: time, mrn: `M${number}` }).all,
        ),
      );
      const stop = new AbortController();
      const search = new Map([['ward', 'PV1-3']]);
      const read: string[] = [];
      const keys = ({ bytes }: { bytes?: Uint8Array | undefined }): readonly SearchKey[] => {
        const mrn = /M\d/.exec(Buffer.from(bytes ?? []).toString())?.[0] ?? '';
        read.push(mrn);
        if (mrn === 'M1') stop.abort();
        return [{ name: 'ward', value: mrn }];
      };
      const cut = store.reindex({ search, keys, signal: stop.signal });
      await expect(cut).rejects.toThrow(/abort/i);
      expect(read).toContain('M2');
      expect(read).not.toContain('M0');
      const { indexing, items } = await store.find({ search: { ward: 'M0' } });
      expect(items).toEqual([]);
      expect(indexing).toEqual({ fields: ['ward'], backTo: at[2] });
      expect(await store.indexing()).toEqual({ fields: ['control-id', 'ward'], backTo: at[2] });
      expect((await store.find({ search: { mrn: 'M0' } })).indexing).toBeUndefined();
      expect((await store.find({ anyOf: ['M0'] })).indexing).toMatchObject({ backTo: at[2] });
      // what was made since then may be in a session that began before
      const since = await store.find({ search: { ward: 'x' }, from: late });
      expect(since).toMatchObject({ items: [], indexing: { backTo: at[2] } });
      read.length = 0;
      await store.reindex({ search, keys });
      expect(read).not.toContain('M2');
      expect((await store.find({ search: { ward: 'M0' } })).items).toHaveLength(2);
      expect((await store.find({ search: { ward: 'M0' } })).indexing).toBeUndefined();
      expect(await store.indexing()).toBeUndefined();
    });

    test('a day that is purged meanwhile is not made again', async () => {
      const store = await opened(open);
      await store.apply(sampleSession().all);
      const search = wardAt('PV1-3');
      const keys = async (): Promise<readonly SearchKey[]> => {
        await store.purge({ now: NOON + 10 * DAY, keep: 7 * DAY });
        return wards('W1')();
      };
      const refusal = await store.reindex({ search, keys }).then(
        () => undefined,
        ({ code }: { code: string }) => code,
      );
      // PostgreSQL says that the table is gone, and the job is begun again
      expect([undefined, 'STORE_UNAVAILABLE']).toContain(refusal);
      await store.reindex({ search, keys });
      expect((await store.usage()).days).toEqual([]);
      expect(await store.indexing()).toBeUndefined();
      expect(await store.orphans()).toBe(0);
    });

    test('keys of a job cut short do not outlive a return to the earlier fields', async () => {
      const store = await opened(open);
      const at = startOfDay('2026-03-10');
      await store.apply([
        ...sampleSession({ at, mrn: 'M0' }).all,
        ...sampleSession({ number: 1, at: at + 3_600_000, mrn: 'M1' }).all,
      ]);
      await store.reindex({ search: wardAt('PV1-3'), keys: wards('old') });
      const stop = new AbortController();
      let reads = 0;
      const cut = store.reindex({
        search: wardAt('PV1-6'),
        keys: () => {
          if (++reads === 3) stop.abort();
          return wards('new')();
        },
        signal: stop.signal,
      });
      await expect(cut).rejects.toThrow(/abort/i);
      await store.reindex({ search: wardAt('PV1-3'), keys: wards('old') });
      expect((await store.find({ search: { ward: 'new' } })).items).toEqual([]);
      expect((await store.find({ search: { ward: 'old' } })).items).toHaveLength(4);
    });

    test('a body that cannot be read is counted, and the rest goes on', async () => {
      const store = await opened(open);
      await store.apply([
        ...sampleSession({ mrn: 'BAD' }).all,
        ...sampleSession({ number: 1, mrn: 'GOOD' }).all,
      ]);
      const report = await store.reindex({
        search: new Map([['found', 'x']]),
        keys: ({ bytes }) => {
          const text = Buffer.from(bytes ?? []).toString();
          if (text.includes('BAD')) throw new Error('unreadable');
          return [{ name: 'found', value: 'yes' }];
        },
      });
      expect(report).toMatchObject({ messages: 4, failed: 2, keys: 1 });
    });
  });
}
