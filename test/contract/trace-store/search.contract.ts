import { describe, expect, test } from 'vitest';
import { idAtTime } from '../../../src/message/id.ts';
import type { TraceQuery } from '../../../src/trace/trace-query.ts';
import type { TraceStore } from '../../../src/trace/trace-store.ts';
import { NOON, sampleSession } from '../../support/trace-sample.ts';
import { searchKeysOf } from './asked.ts';
import { DAY, idsOf, type OpenTraceStore, opened, type TraceStoreOptions } from './opened.ts';

const filled = async (open: OpenTraceStore, options?: TraceStoreOptions): Promise<TraceStore> => {
  const store = await opened(open, options);
  const samples = Array.from({ length: 40 }, (_, number) =>
    sampleSession({
      at: NOON + Math.floor(number / 20) * DAY + number * 60_000,
      number,
      mrn: `MRN${String(number % 10).padStart(3, '0')}`,
      target: number % 4 === 0 ? 'lab' : 'ward',
      type: number % 2 === 0 ? 'HL7v2:ADT_A01:2.5.1' : 'HL7v2:ORU_R01:2.3',
      outcome:
        number % 8 === 0
          ? {
              status: 'error',
              done: NOON + DAY * 2,
              error: {
                code: 'ADAPTER_REJECTED',
                text: `ward said 100% no, case ${number}`,
                retryable: false,
              },
            }
          : {},
    }),
  );
  await store.apply(samples.flatMap(({ all }) => all));
  return store;
};

/** Every search finds what it asks for and nothing else. */
export function describeTraceSearch(name: string, open: OpenTraceStore): void {
  describe(`${name}: search`, () => {
    test('newest first over days, in pages that join without gap or repetition', async () => {
      const store = await filled(open);
      const all = await idsOf(store, { limit: 1_000 });
      expect(all).toHaveLength(80);
      expect(all).toEqual(all.toSorted((a, b) => b - a));
      const paged: number[] = [];
      let after: string | undefined;
      do {
        const page = await store.find({ limit: 7, after });
        paged.push(...page.items.map(({ id }) => id));
        after = page.next;
        expect(page.complete).toBe(page.next === undefined);
      } while (after !== undefined);
      expect(paged).toEqual(all);
    });

    test('sessions by a search field, exact, by its beginning, in any case, several together', async () => {
      const store = await filled(open);
      const sessions = async (search: Record<string, string>): Promise<number> => {
        const { items } = await store.find({ search, limit: 1_000 });
        return new Set(items.map(({ sessionId }) => sessionId)).size;
      };
      expect(await sessions({ mrn: 'MRN003' })).toBe(4);
      expect(await sessions({ mrn: 'mrn003' })).toBe(4);
      expect(await sessions({ mrn: 'MRN00*' })).toBe(40);
      expect(await sessions({ mrn: 'MRN' })).toBe(0);
      expect(await sessions({ visit: 'MRN003' })).toBe(0);
      expect(
        await sessions({ mrn: 'MRN003', 'control-id': `C${idAtTime(NOON + 3 * 60_000) + 3}` }),
      ).toBe(1);
      expect(
        await sessions({ mrn: 'MRN004', 'control-id': `C${idAtTime(NOON + 3 * 60_000) + 3}` }),
      ).toBe(0);
      expect(await sessions({ mrn: 'MRN00*', 'control-id': 'C*' })).toBe(40);
    });

    test('pages of a search by field join without gap or repetition, newest session first', async () => {
      const store = await filled(open);
      for (const mrn of ['MRN00*', 'MRN003']) {
        const whole = (await store.find({ search: { mrn }, limit: 1_000 })).items;
        expect(whole.map(({ sessionId, id }) => [sessionId, id])).toEqual(
          whole
            .toSorted((a, b) => b.sessionId - a.sessionId || b.id - a.id)
            .map(({ sessionId, id }) => [sessionId, id]),
        );
        const paged: number[] = [];
        let after: string | undefined;
        do {
          const page = await store.find({ search: { mrn }, limit: 3, after });
          paged.push(...page.items.map(({ id }) => id));
          after = page.next;
        } while (after !== undefined);
        expect(paged).toEqual(whole.map(({ id }) => id));
      }
    });

    test('every filter agrees with reading all messages and choosing by hand', async () => {
      const store = await filled(open);
      const all = (await store.find({ limit: 1_000 })).items;
      const cases: [TraceQuery, (message: (typeof all)[number]) => boolean][] = [
        [{ source: 'adt-in' }, ({ source }) => source === 'adt-in'],
        [{ target: 'lab' }, ({ target }) => target === 'lab'],
        [{ hosts: ['router'] }, () => true],
        [{ hosts: ['lab', 'ward'] }, ({ target }) => target !== 'router'],
        [{ hosts: ['router'], target: 'lab' }, ({ target }) => target === 'lab'],
        [{ type: 'oru_r01' }, ({ type }) => type.includes('ORU_R01')],
        [{ status: ['error'] }, ({ status }) => status === 'error'],
        [{ status: ['completed', 'error'] }, () => true],
        [
          { status: ['error'], target: 'lab' },
          ({ status, target }) => status === 'error' && target === 'lab',
        ],
        [{ status: ['error', 'suspended'], source: 'adt-in' }, () => false],
        [{ error: '100% NO' }, ({ error }) => error !== undefined],
        [{ error: 'adapter_rejected' }, ({ error }) => error !== undefined],
        [{ error: 'case 8' }, ({ error }) => error?.text.endsWith('case 8') === true],
        [{ error: '_00' }, () => false],
        [{ minDuration: 10 }, (m) => (m.done ?? 0) - m.created >= 10],
        [{ maxDuration: 10 }, (m) => (m.done ?? 0) - m.created <= 10],
        [{ minSize: 1_000_000 }, () => false],
        [{ maxSize: 1_000_000 }, () => true],
        [{ from: NOON + DAY }, ({ created }) => created >= NOON + DAY],
        [{ to: NOON + DAY }, ({ created }) => created <= NOON + DAY],
        [
          { from: NOON + 60_000, to: NOON + 120_002 },
          ({ created: at }) => at >= NOON + 60_000 && at <= NOON + 120_002,
        ],
        [{ visible: ['lab'] }, ({ target }) => target === 'lab'],
        [{ visible: [] }, () => false],
        [
          { visible: ['lab'], status: ['error'] },
          ({ target, status }) => target === 'lab' && status === 'error',
        ],
        [{ target: 'nowhere' }, () => false],
        [{ resendOf: 1 }, () => false],
      ];
      for (const [query, holds] of cases) {
        const found = await idsOf(store, { ...query, limit: 1_000, timeBudget: 10_000 });
        expect({ query, found }).toEqual({ query, found: all.filter(holds).map(({ id }) => id) });
      }
    });

    test('hundreds of hosts are one filter, however often each is named', async () => {
      const store = await opened(open);
      const hosts = Array.from({ length: 700 }, (_, n) => `host-${n}`);
      await store.apply(
        hosts.flatMap((target, number) => sampleSession({ number, target, at: NOON + number }).all),
      );
      const count = async (query: TraceQuery): Promise<number> =>
        (await store.find({ limit: 1_000, timeBudget: 10_000, ...query })).items.length;
      const all = await count({});
      expect(await count({ hosts: [...hosts, ...hosts, 'router'] })).toBe(all);
      expect(await count({ visible: [...hosts, 'router'] })).toBe(all);
      const search = { mrn: 'M1' };
      expect(await count({ search, hosts: [...hosts, 'router'] })).toBe(await count({ search }));
      expect(await count({ hosts: Array.from({ length: 1_000 }, () => 'host-1') })).toBe(1);
      expect(
        await count({ status: Array.from({ length: 6 }, () => 'queued' as const) }),
      ).toBeGreaterThanOrEqual(0);
    });

    test('a search by field keeps to the other filters', async () => {
      const store = await filled(open);
      const { items } = await store.find({
        search: { mrn: 'MRN00*' },
        status: ['error'],
        from: NOON + DAY,
        visible: ['adt-in', 'router', 'lab'],
      });
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) {
        expect(item).toMatchObject({ status: 'error', target: 'lab' });
        expect(item.created).toBeGreaterThanOrEqual(NOON + DAY);
      }
    });

    test('text in a body, also in a large one', async () => {
      const store = await filled(open, {
        largeBody: (ref) =>
          Promise.resolve(ref === 'r' ? Buffer.from('a needle far away') : undefined),
      });
      const large = sampleSession({ number: 77, bodyRef: 'r' });
      await store.apply(large.all);
      expect(await idsOf(store, { contains: 'needle' })).toEqual([large.derived]);
      expect(await idsOf(store, { contains: '|MRN004^', limit: 1_000 })).toHaveLength(8);
      expect(await idsOf(store, { contains: '|MRN004^', target: 'ward' })).toHaveLength(2);
    });

    test('a search out of time says how far it got and can go on', async () => {
      const store = await filled(open);
      const found: number[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page = await store.find({ contains: '|MRN004^', timeBudget: 0, limit: 100, after });
        found.push(...page.items.map(({ id }) => id));
        after = page.next;
        pages++;
      } while (after !== undefined);
      expect(found).toHaveLength(8);
      expect(pages).toBeGreaterThan(1);
    });

    test('a search is cut off by its signal', async () => {
      const store = await filled(open);
      await expect(store.find({}, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
    });

    test('a cursor of another search is refused', async () => {
      const store = await filled(open);
      await expect(store.find({ after: 's5.' })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
      await expect(store.find({ after: 'nonsense' })).rejects.toMatchObject({
        code: 'QUERY_INVALID',
      });
    });

    test('a message made days after its session began is found by its own time and with its session', async () => {
      const store = await filled(open);
      const late = sampleSession({
        number: 500,
        envelope: { id: idAtTime(NOON + DAY * 3), created: NOON + DAY * 3 },
      });
      await store.apply([late.queued]);
      expect((await idsOf(store, { limit: 1 }))[0]).toBe(idAtTime(NOON + DAY * 3));
      expect(await idsOf(store, { from: NOON + DAY * 2 })).toEqual([idAtTime(NOON + DAY * 3)]);
      expect((await store.session(idAtTime(NOON + DAY * 3)))?.id).toBe(late.root);
    });

    test('a pasted text is a message id, a session id, a control id or a field', async () => {
      const store = await filled(open);
      const root = idAtTime(NOON + 3 * 60_000) + 3;
      const derived = idAtTime(NOON + 3 * 60_000 + 2) + 3;
      expect(await store.quickFind(String(root))).toMatchObject([
        { kind: 'session', sessionId: root },
        { kind: 'message', messageId: root },
      ]);
      expect(await store.quickFind(` ${derived} `)).toMatchObject([
        { kind: 'message', messageId: derived, sessionId: root },
      ]);
      expect(await store.quickFind(`c${root}`)).toMatchObject([
        { kind: 'field', field: 'control-id', sessionId: root },
      ]);
      const byMrn = await store.quickFind('MRN003');
      expect(byMrn).toHaveLength(4);
      expect(byMrn.map(({ at }) => at)).toEqual(
        byMrn.map(({ at }) => at).toSorted((a, b) => b - a),
      );
      const keys = searchKeysOf({ mrn: 'PID-3.1' });
      const asLab = { visible: ['router', 'lab'], shown: { keys } };
      expect(await store.quickFind('MRN003', asLab)).toHaveLength(0);
      expect(await store.quickFind('MRN004', asLab)).toHaveLength(2);
      // of what came nothing is open to who sees its receiver alone
      expect(await store.quickFind('MRN004', { ...asLab, visible: ['lab'] })).toHaveLength(0);
      expect(await store.quickFind('MRN00')).toEqual([]);
      expect(await store.quickFind('')).toEqual([]);
    });

    test('a pasted list finds the messages with these ids and the sessions with these values', async () => {
      const store = await filled(open);
      const root = idAtTime(NOON + 3 * 60_000) + 3;
      const list = { anyOf: [String(root), 'mrn004', 'nobody', String(root), '9999999'] };
      const { items, missing, complete } = await store.find({ ...list, limit: 1_000 });
      const expected = (await store.find({ search: { mrn: 'MRN004' }, limit: 1_000 })).items;
      expect(items.map(({ id }) => id)).toEqual(
        [root, ...expected.map(({ id }) => id)].toSorted((a, b) => b - a),
      );
      expect({ missing, complete }).toEqual({ missing: ['nobody', '9999999'], complete: true });
      expect(await idsOf(store, { ...list, status: ['error'] })).toEqual(
        expected.filter(({ status }) => status === 'error').map(({ id }) => id),
      );
      expect(await idsOf(store, { ...list, to: NOON - 1 })).toEqual([]);
      expect(await idsOf(store, { anyOf: [] })).toEqual([]);
      const paged: number[] = [];
      let after: string | undefined;
      do {
        const page = await store.find({ ...list, limit: 2, after });
        paged.push(...page.items.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(paged).toEqual(items.map(({ id }) => id));
      const keys = searchKeysOf({ mrn: 'PID-3.1' });
      const asLab = { visible: ['router', 'lab'] };
      const seen = await store.find({ ...list, ...asLab, limit: 1_000 }, { shown: { keys } });
      expect(seen.items.every(({ id, target }) => id === root || target === 'lab')).toBe(true);
      expect(seen.items.length).toBeGreaterThan(1);
      // what is hidden is as what is not there
      expect(seen.missing).toContain('nobody');
      const hidden = { anyOf: ['MRN003', String(root)], visible: ['lab'] };
      expect((await store.find(hidden, { shown: { keys } })).missing).toEqual(hidden.anyOf);
    });

    test('resends are linked both ways', async () => {
      const store = await filled(open);
      const first = idAtTime(NOON + 2);
      const again = sampleSession({ number: 300, at: NOON + DAY, envelope: { resendOf: first } });
      await store.apply(again.all);
      expect(await idsOf(store, { resendOf: first })).toEqual([again.derived]);
      expect((await store.session(first))?.resends).toEqual([
        { id: again.derived, of: first, sessionId: again.root },
      ]);
    });
  });
}
