import { describe, expect, test } from 'vitest';
import { NOON, sampleSession } from '../../support/trace-sample.ts';
import { splitSession } from '../../support/trace-split.ts';
import { searchKeysOf } from './asked.ts';
import { DAY, idsOf, type OpenTraceStore, opened } from './opened.ts';

const SEARCH = { mrn: 'PID-3.1' };
const PATIENTS = Array.from({ length: 30 }, (_, number) => `P${number}`);

const reindexed = (): { search: Map<string, string>; keys: ReturnType<typeof searchKeysOf> } => ({
  search: new Map(Object.entries(SEARCH)),
  keys: searchKeysOf(SEARCH),
});

/** A search by a field finds the messages of one patient where a session holds many. */
export function describeTraceBranches(name: string, open: OpenTraceStore): void {
  describe(`${name}: sessions of many patients`, () => {
    test('a patient is found in their part, in what was made of it, and in the file', async () => {
      const store = await opened(open);
      const { whole, parts, all } = splitSession(PATIENTS);
      await store.apply(all);
      for (const { mrn, id, made } of [parts[0], parts[17]].filter((one) => one !== undefined)) {
        const page = await store.find({ search: { mrn } });
        expect(page.items.map((one) => one.id)).toEqual([made, id, whole]);
        expect(page.shared).toEqual([whole]);
        expect(await store.quickFind(mrn)).toMatchObject([
          { kind: 'field', field: 'mrn', sessionId: whole, messageId: id },
          { kind: 'field', field: 'mrn', sessionId: whole },
        ]);
        const listed = await store.find({ anyOf: [mrn] });
        expect(listed.items.map((one) => one.id)).toEqual([made, id, whole]);
        expect(listed.shared).toEqual([whole]);
      }
      expect(await idsOf(store, { search: { mrn: 'P1*' }, limit: 100 })).toHaveLength(2 * 11 + 1);
    });

    test('pages, other criteria and several fields are of the same messages', async () => {
      const store = await opened(open);
      const { parts, all } = splitSession(PATIENTS);
      await store.apply(all);
      const [, , third] = parts;
      const asked = { search: { mrn: third?.mrn ?? '' } };
      const paged: number[] = [];
      let after: string | undefined;
      do {
        const page = await store.find({ ...asked, limit: 1, after });
        paged.push(...page.items.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(paged).toEqual(await idsOf(store, asked));
      expect(await idsOf(store, { ...asked, target: 'paper' })).toEqual([third?.made]);
      expect(await idsOf(store, { search: { ...asked.search, 'control-id': 'C' } })).toEqual([]);
    });

    test('whoever may not see the file finds no part by it', async () => {
      const store = await opened(open);
      const { parts, all } = splitSession(PATIENTS);
      await store.apply(all);
      const shown = { keys: searchKeysOf(SEARCH) };
      const find = async (visible: readonly string[]): Promise<number[]> => {
        const page = await store.find({ search: { mrn: 'P3' }, visible }, { shown });
        return page.items.map(({ id }) => id);
      };
      const part = parts[3];
      expect(await find(['split', 'record'])).toEqual([part?.id]);
      // what says nothing of the patient is not found by who sees only that
      expect(await find(['record', 'paper'])).toEqual([]);
      expect(await find(['split', 'record', 'paper'])).toEqual([part?.made, part?.id]);
    });

    test('in any order and twice the inputs give the same, also from an engine that tells of parts only', async () => {
      const store = await opened(open);
      const { whole, parts, all } = splitSession(PATIENTS, { branches: false });
      for (const input of all.toReversed()) await store.apply([input]);
      await store.apply(all);
      const [part] = parts;
      // what it made of a part is not known to be of it
      expect(await idsOf(store, { search: { mrn: 'P0' } })).toEqual([part?.id, whole]);
      expect(await store.orphans()).toBe(0);
    });

    test('what was collected of many is about each of them, and its last part is only about its own', async () => {
      const store = await opened(open);
      const closer = sampleSession({ mrn: 'LAST' });
      const made = closer.derived + 10;
      const collected = sampleSession({
        mrn: 'LAST',
        number: 1,
        envelope: {
          id: made,
          sessionId: closer.root,
          parentId: closer.derived,
          branch: made,
          joins: 3,
        },
      }).queued;
      const keys = ['A', 'B', 'LAST'].map((value) => ({ name: 'mrn', value }));
      await store.apply([...closer.all, { ...collected, keys }]);
      expect(await idsOf(store, { search: { mrn: 'A' } })).toEqual([made]);
      const page = await store.find({ search: { mrn: 'LAST' } });
      expect(page.items.map(({ id }) => id)).toEqual([made, closer.derived, closer.root]);
      expect(page.shared).toEqual([made]);
    });

    test('a message about one patient that was split for other reasons holds nobody else', async () => {
      const store = await opened(open);
      const { whole, all } = splitSession(['P1', 'P1', 'P1']);
      await store.apply(all);
      const page = await store.find({ search: { mrn: 'P1' } });
      expect(page.items).toHaveLength(7);
      expect(page.items.at(-1)?.id).toBe(whole);
      expect(page.shared).toBeUndefined();
    });

    test.for([false, true])(
      'of a very large session, what was asked for is shown, with how it began (apart: %s)',
      async (apart) => {
        const store = await opened(open);
        const patients = Array.from({ length: 1_300 }, (_, n) => `P${n}`);
        const { whole, parts, all } = splitSession(patients, { apart });
        for (let at = 0; at < all.length; at += 500) await store.apply(all.slice(at, at + 500));
        const last = parts.at(-1) ?? { mrn: '', id: 0, made: 0 };
        const { mrn, id, made } = last;
        expect(await idsOf(store, { search: { mrn } })).toEqual([made, id, whole]);
        const shown = await store.session(made);
        const ids = (shown?.messages ?? []).map((one) => one.id);
        expect(ids).toEqual(expect.arrayContaining([whole, parts[0]?.id, id, made]));
        expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
        expect(shown?.truncated).toBe(true);
        expect((await store.session(whole))?.messages).toHaveLength(2_000);
      },
    );

    test('a re-index reads the keys of each part, also of one that began on a later day', async () => {
      const store = await opened(open);
      const split = splitSession(PATIENTS, { at: NOON + 11 * 3_600_000, later: NOON + DAY });
      await store.apply(split.all.map((input) => ({ ...input, keys: [] })));
      expect(await idsOf(store, { search: { mrn: 'P5' } })).toEqual([]);
      await store.reindex(reindexed());
      const found = [split.parts[5]?.made, split.parts[5]?.id, split.whole];
      expect(await idsOf(store, { search: { mrn: 'P5' } })).toEqual(found);
      await store.reindex({ ...reindexed(), search: new Map([['mrn', 'PID-3.2']]) });
      await store.reindex(reindexed());
      expect(await idsOf(store, { search: { mrn: 'P5' } })).toEqual(found);
    });

    test('with a purged session all of its keys go, with a held one none', async () => {
      const store = await opened(open);
      const gone = splitSession(['GONE', 'X'], { later: NOON + DAY });
      const held = splitSession(['HELD', 'Y'], { at: NOON + 1_000, later: NOON + DAY + 1_000 });
      const other = sampleSession({ at: NOON + DAY + 5_000, mrn: 'OTHER' });
      await store.apply([...gone.all, ...held.all, ...other.all]);
      await store.hold(held.whole, { reason: 'asked for', by: 'anna' });
      for (const now of [NOON + 2 * DAY, NOON + 4 * DAY]) {
        await store.purge({ now, keep: DAY });
        expect(await idsOf(store, { search: { mrn: 'GONE' } })).toEqual([]);
        expect(await idsOf(store, { search: { mrn: 'HELD' } })).toHaveLength(3);
        expect(await store.orphans()).toBe(0);
      }
      expect(await idsOf(store, { search: { mrn: 'OTHER' } })).toEqual([]);
      await store.release(held.whole);
      await store.purge({ now: NOON + 6 * DAY, keep: DAY });
      expect(await idsOf(store, { search: { mrn: 'HELD' } })).toEqual([]);
      expect(await store.orphans()).toBe(0);
    });
  });
}
