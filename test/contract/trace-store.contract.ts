import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { idAtTime } from '../../src/message/id.ts';
import { startOfDay } from '../../src/trace/day.ts';
import type { TraceInput } from '../../src/trace/trace-input.ts';
import type { TraceQuery } from '../../src/trace/trace-query.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { hl7, NOON, sampleAttempt, sampleSession } from '../support/trace-sample.ts';

export interface TraceStoreOptions {
  readonly largeBody?: (ref: string) => Promise<Uint8Array | undefined>;
  readonly now?: number;
}

/** Opens an empty store; `reopen` closes it and opens the same again. */
export type OpenTraceStore = (
  options?: TraceStoreOptions,
) => Promise<{ store: TraceStore; reopen(): Promise<TraceStore>; dispose(): Promise<void> }>;

const DAY = 86_400_000;

/** What every trace store keeps to. */
export function describeTraceStore(name: string, open: OpenTraceStore): void {
  const opened = async (options?: TraceStoreOptions): Promise<TraceStore> => {
    const { store, dispose } = await open(options);
    onTestFinished(dispose);
    return store;
  };

  /** Everything a reader can see of some sessions. */
  const picture = async (store: TraceStore, ids: readonly number[]): Promise<unknown> => ({
    sessions: await Promise.all(ids.map((id) => store.session(id))),
    found: (await store.find({ limit: 100 })).items,
    statistics: await store.statistics({ from: NOON - DAY, to: NOON + DAY, step: 60_000 }),
    events: await store.events({ limit: 1_000 }),
  });

  const idsOf = async (store: TraceStore, query: TraceQuery): Promise<number[]> =>
    (await store.find(query)).items.map(({ id }) => id);

  describe(`${name}: what is applied`, () => {
    test('a session reads back with its legs, rules, reply, times and bodies', async () => {
      const store = await opened();
      const sample = sampleSession();
      await store.apply(sample.all);
      const session = await store.session(sample.root);
      expect(session).toMatchObject({ id: sample.root, started: NOON, truncated: false });
      expect(session?.messages).toMatchObject([
        {
          id: sample.root,
          source: 'adt-in',
          target: 'router',
          status: 'completed',
          origin: '10.0.0.7:4711',
          charset: 'utf-8',
          explain: { rules: [{ rule: 'inpatient admissions', result: 'fired' }] },
          hasBody: true,
        },
        {
          id: sample.derived,
          parentId: sample.root,
          source: 'router',
          target: 'ward',
          status: 'completed',
          created: NOON + 2,
          started: NOON + 5,
          done: NOON + 25,
          attempts: 1,
          reply: { type: 'HL7v2:ACK:2.5.1', code: 'AA', hasBody: true },
        },
      ]);
      const root = await store.body(sample.root);
      expect(Buffer.from(root?.bytes ?? []).toString()).toBe(hl7(`C${sample.root}`, 'M1'));
      expect(root).toMatchObject({ type: 'HL7v2:ADT_A01:2.5.1', charset: 'utf-8' });
      const derived = await store.body(sample.derived);
      expect(Buffer.from(derived?.bytes ?? []).toString()).toContain('|WARD|');
      const reply = await store.body(sample.derived, 'reply');
      expect(Buffer.from(reply?.bytes ?? []).toString()).toBe(
        `MSH|^~\\&|WARD\rMSA|AA|C${sample.root}\r`,
      );
      expect(reply?.type).toBe('HL7v2:ACK:2.5.1');
    });

    test('the session is found by the id of any of its messages', async () => {
      const store = await opened();
      const sample = sampleSession();
      await store.apply(sample.all);
      expect((await store.session(sample.derived))?.id).toBe(sample.root);
      expect(await store.session(sample.root + 1)).toBeUndefined();
      expect(await store.message(sample.root + 1)).toBeUndefined();
      expect(await store.body(sample.root + 1)).toBeUndefined();
    });

    test('any order, batching and repetition of the same facts gives the same trace', async () => {
      const one = sampleSession();
      const two = sampleSession({
        number: 1,
        mrn: 'M2',
        outcome: {
          status: 'suspended',
          error: { code: 'REPLY_UNEXPECTED', text: 'AE', retryable: false },
        },
      });
      const discarded: TraceInput = {
        kind: 'entry',
        entry: {
          record: {
            kind: 'outcome',
            id: two.derived,
            sessionId: two.root,
            host: 'ward',
            status: 'discarded',
            started: NOON + 5,
            done: NOON + 9_000,
            attempts: 1,
            by: 'jdoe',
          },
        },
      };
      const suspended: TraceInput = {
        ...two.queued,
        kind: 'message',
        status: 'suspended',
      } as TraceInput;
      const event: TraceInput = {
        kind: 'entry',
        entry: {
          record: {
            kind: 'host',
            host: 'ward',
            event: 'started',
            level: 'info',
            at: NOON,
            text: 'started',
          },
        },
      };
      const inputs = [
        ...one.all,
        ...two.all,
        sampleAttempt(one, 1),
        sampleAttempt(one, 2),
        suspended,
        discarded,
        event,
      ];
      const expected = await opened();
      await expected.apply(inputs);
      const wanted = await picture(expected, [one.root, two.root]);
      expect(wanted).toMatchObject({
        sessions: [
          { attempts: [{ attempt: 1 }, { attempt: 2 }] },
          {
            messages: [{}, { status: 'discarded', by: 'jdoe' }],
            past: [{ status: 'suspended', error: { code: 'REPLY_UNEXPECTED' } }],
          },
        ],
      });
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([...inputs, ...inputs], { minLength: inputs.length * 2 }),
          fc.integer({ min: 1, max: 6 }),
          async (shuffled, size) => {
            const { store, dispose } = await open();
            try {
              for (let at = 0; at < shuffled.length; at += size) {
                await store.apply(shuffled.slice(at, at + size));
              }
              expect(await picture(store, [one.root, two.root])).toEqual(wanted);
              expect(await store.orphans()).toBe(0);
            } finally {
              await dispose();
            }
          },
        ),
        { numRuns: 8 },
      );
    });

    test('an outcome that came before its message is seen, and completed by it', async () => {
      const store = await opened();
      const sample = sampleSession();
      await store.apply([sample.outcome]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        target: 'ward',
        source: '',
        hasBody: false,
      });
      await store.apply([sample.queued]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        source: 'router',
        hasBody: true,
      });
    });

    test('a message is retrying with its last error until it is settled', async () => {
      const store = await opened();
      const sample = sampleSession();
      await store.apply([sample.arrival, sample.queued]);
      expect(await store.message(sample.derived)).toMatchObject({ status: 'queued', attempts: 0 });
      await store.apply([sampleAttempt(sample, 2), sampleAttempt(sample, 1)]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'retrying',
        attempts: 2,
        started: NOON + 2_000,
        error: {
          code: 'ADAPTER_NOT_CONNECTED',
          text: 'ward refused the connection',
          retryable: true,
        },
      });
      await store.apply([sample.outcome]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        attempts: 2,
        error: undefined,
      });
    });

    test('the later of two reported outcomes stands, and the earlier is remembered', async () => {
      const store = await opened();
      const sample = sampleSession();
      const again = sampleSession({
        outcome: { status: 'error', done: NOON + 99, possibleDuplicate: true },
      });
      await store.apply([...sample.all, again.outcome, sample.outcome]);
      const session = await store.session(sample.root);
      expect(session?.messages[1]).toMatchObject({ status: 'error', possibleDuplicate: true });
      expect(session?.past).toMatchObject([
        { messageId: sample.derived, status: 'completed', done: NOON + 25 },
      ]);
    });

    test('a leg that shares the body of another message reads it, whichever came first', async () => {
      const store = await opened();
      const sample = sampleSession();
      const { entry } = sample.arrival as Extract<TraceInput, { kind: 'entry' }>;
      const record = { ...entry.record, sameBodyAs: sample.derived } as typeof entry.record;
      await store.apply([{ kind: 'entry', entry: { record } }]);
      expect(await store.body(sample.root)).toBeUndefined();
      await store.apply([sample.queued]);
      expect(Buffer.from((await store.body(sample.root))?.bytes ?? []).toString()).toContain(
        '|WARD|',
      );
    });

    test('a large body is known by its reference and size', async () => {
      const store = await opened();
      const sample = sampleSession({ bodyRef: 'bodies/1' });
      await store.apply(sample.all);
      const size = Buffer.byteLength(hl7(`C${sample.root}`, 'M1')) - 3;
      expect(await store.body(sample.derived)).toEqual({
        ref: 'bodies/1',
        size,
        type: 'HL7v2:ADT_A01:2.5.1',
        charset: 'utf-8',
      });
    });

    test('bodies of every size come back byte for byte', async () => {
      const store = await opened();
      const bodies = [0, 1, 127, 128, 129, 5_000, 40_000, 300_000].map((size) =>
        Buffer.from(Array.from({ length: size }, (_, at) => (at * 7 + size) % 251)),
      );
      const root = sampleSession();
      await store.apply(root.all);
      await store.apply(
        bodies.map((body, number) => ({
          kind: 'message',
          status: 'queued',
          envelope: {
            id: root.root + 100 + number,
            sessionId: root.root,
            source: 'router',
            target: 'ward',
            type: 'application/octet-stream',
            created: NOON,
            received: NOON,
            size: body.byteLength,
          },
          body,
        })),
      );
      for (const [number, body] of bodies.entries()) {
        const stored = await store.body(root.root + 100 + number);
        expect(Buffer.compare(Buffer.from(stored?.bytes ?? [1]), body)).toBe(0);
      }
    });

    test('the trace survives closing', async () => {
      const { store, reopen, dispose } = await open();
      onTestFinished(dispose);
      const sample = sampleSession();
      await store.apply(sample.all);
      const before = await picture(store, [sample.root]);
      const again = await reopen();
      expect(await picture(again, [sample.root])).toEqual(before);
      await again.apply(sample.all);
      expect(await picture(again, [sample.root])).toEqual(before);
    });
  });

  describe(`${name}: search`, () => {
    const filled = async (options?: TraceStoreOptions): Promise<TraceStore> => {
      const store = await opened(options);
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

    test('newest first over days, in pages that join without gap or repetition', async () => {
      const store = await filled();
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
      const store = await filled();
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
      const store = await filled();
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
      const store = await filled();
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

    test('a search by field keeps to the other filters', async () => {
      const store = await filled();
      const { items } = await store.find({
        search: { mrn: 'MRN00*' },
        status: ['error'],
        from: NOON + DAY,
        visible: ['lab'],
      });
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) {
        expect(item).toMatchObject({ status: 'error', target: 'lab' });
        expect(item.created).toBeGreaterThanOrEqual(NOON + DAY);
      }
    });

    test('text in a body, also in a large one', async () => {
      const store = await filled({
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
      const store = await filled();
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
      const store = await filled();
      await expect(store.find({}, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
    });

    test('a cursor of another search is refused', async () => {
      const store = await filled();
      await expect(store.find({ after: 's5.' })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
      await expect(store.find({ after: 'nonsense' })).rejects.toMatchObject({
        code: 'QUERY_INVALID',
      });
    });

    test('a message made days after its session began is found by its own time and with its session', async () => {
      const store = await filled();
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
      const store = await filled();
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
      expect(await store.quickFind('MRN003', { visible: ['lab'] })).toHaveLength(0);
      expect(await store.quickFind('MRN004', { visible: ['lab'] })).toHaveLength(2);
      expect(await store.quickFind('MRN00')).toEqual([]);
      expect(await store.quickFind('')).toEqual([]);
    });

    test('resends are linked both ways', async () => {
      const store = await filled();
      const first = idAtTime(NOON + 2);
      const again = sampleSession({ number: 300, at: NOON + DAY, envelope: { resendOf: first } });
      await store.apply(again.all);
      expect(await idsOf(store, { resendOf: first })).toEqual([again.derived]);
      expect((await store.session(first))?.resends).toEqual([
        { id: again.derived, of: first, sessionId: again.root },
      ]);
    });
  });

  describe(`${name}: lists`, () => {
    test('events, newest first, by host, time and level', async () => {
      const store = await opened();
      const event = (host: string, at: number, level: 'info' | 'error'): TraceInput => ({
        kind: 'entry',
        entry: {
          record: {
            kind: 'host',
            host,
            event: 'connected',
            level,
            at,
            text: `at ${at}`,
            by: 'jdoe',
          },
        },
      });
      await store.apply([
        event('ward', NOON, 'info'),
        event('lab', NOON + 1, 'error'),
        event('ward', NOON + DAY, 'error'),
      ]);
      const times = async (query: Parameters<TraceStore['events']>[0]): Promise<number[]> =>
        (await store.events(query)).map(({ at }) => at - NOON);
      expect(await times({})).toEqual([DAY, 1, 0]);
      expect(await times({ hosts: ['ward'] })).toEqual([DAY, 0]);
      expect(await times({ level: 'warn' })).toEqual([DAY, 1]);
      expect(await times({ to: NOON })).toEqual([0]);
      expect(await times({ from: NOON + 2 })).toEqual([DAY]);
      expect(await times({ limit: 1 })).toEqual([DAY]);
      expect((await store.events({ limit: 1 }))[0]).toEqual({
        host: 'ward',
        event: 'connected',
        level: 'error',
        at: NOON + DAY,
        text: `at ${NOON + DAY}`,
        by: 'jdoe',
      });
    });

    test('roll-ups count each arrival and outcome once, in its own minute', async () => {
      const store = await opened();
      const good = sampleSession();
      const bad = sampleSession({ number: 1, outcome: { status: 'error', done: NOON + 61_000 } });
      const inputs = [...good.all, ...bad.all];
      await store.apply(inputs);
      await store.apply(inputs);
      const rows = await store.statistics({
        from: NOON,
        to: NOON + 120_000,
        step: 60_000,
        hosts: ['adt-in', 'ward'],
      });
      const size = Buffer.byteLength(hl7(`C${good.root}`, 'M1'));
      expect(rows).toEqual([
        {
          host: 'adt-in',
          at: NOON,
          in: 2,
          out: 2,
          errors: 0,
          bytes: size * 2,
          latency: 0,
          latencyMax: 0,
        },
        {
          host: 'ward',
          at: NOON,
          in: 2,
          out: 1,
          errors: 0,
          bytes: (size - 3) * 2,
          latency: 23,
          latencyMax: 23,
        },
        {
          host: 'ward',
          at: NOON + 60_000,
          in: 0,
          out: 0,
          errors: 1,
          bytes: 0,
          latency: 60_998,
          latencyMax: 60_998,
        },
      ]);
      const [whole] = await store.statistics({
        from: NOON,
        to: NOON + 120_000,
        step: 3_600_000,
        hosts: ['ward'],
      });
      expect(whole).toMatchObject({ in: 2, out: 1, errors: 1, latencyMax: 60_998 });
    });

    test('a replay lists the messages of one host in the order they were made', async () => {
      const store = await opened();
      const samples = Array.from({ length: 9 }, (_, number) =>
        sampleSession({
          number,
          at: NOON + number * DAY,
          outcome: number === 4 ? { status: 'error' } : {},
        }),
      );
      await store.apply(samples.toReversed().flatMap(({ all }) => all));
      const derived = samples.map((sample) => sample.derived);
      const range = { host: 'ward', from: NOON + DAY, to: NOON + 7 * DAY + 5 };
      const first = await store.replayList({ ...range, limit: 4 });
      expect(first).toEqual({ ids: derived.slice(1, 5), more: true });
      expect(await store.replayList({ ...range, limit: 4, after: first.ids.at(-1) })).toEqual({
        ids: derived.slice(5, 8),
        more: false,
      });
      expect(await store.replayList({ ...range, status: ['error'] })).toEqual({
        ids: [derived[4]],
        more: false,
      });
      expect(await store.replayList({ ...range, host: 'nowhere' })).toEqual({
        ids: [],
        more: false,
      });
    });

    test('failures are gathered by host and code', async () => {
      const store = await opened();
      const failed = (
        number: number,
        status: 'error' | 'suspended',
        code: string,
      ): TraceInput[] => [
        ...sampleSession({
          number,
          at: NOON + number,
          outcome: { status, error: { code, text: `text ${number}`, retryable: false } },
        }).all,
      ];
      await store.apply([
        ...failed(0, 'error', 'A'),
        ...failed(1, 'error', 'A'),
        ...failed(2, 'suspended', 'B'),
        ...sampleSession({ number: 9 }).all,
      ]);
      expect(await store.failures({})).toMatchObject([
        {
          host: 'ward',
          status: 'error',
          code: 'A',
          count: 2,
          text: 'text 1',
          first: NOON + 2,
          last: NOON + 3,
          newestId: idAtTime(NOON + 3) + 1,
        },
        { host: 'ward', status: 'suspended', code: 'B', count: 1 },
      ]);
      expect(await store.failures({ status: ['suspended'] })).toHaveLength(1);
      expect(await store.failures({ from: NOON + DAY })).toEqual([]);
      expect(await store.failures({ visible: ['lab'] })).toEqual([]);
    });
  });

  describe(`${name}: reconciliation`, () => {
    test('open messages of a host, oldest first', async () => {
      const store = await opened();
      const samples = [0, 1, 2].map((number) => sampleSession({ number, at: NOON + number * DAY }));
      const other = sampleSession({ number: 7, target: 'lab' });
      await store.apply([
        ...samples.map(({ queued }) => queued),
        other.queued,
        sampleAttempt(samples[1]!, 1),
        samples[2]!.outcome,
      ]);
      expect(await store.openMessages('ward')).toEqual([
        {
          id: samples[0]!.derived,
          sessionId: samples[0]!.root,
          status: 'queued',
          created: NOON + 2,
          queue: { stream: 'WB_hub_Q_ward', sequence: 1 },
        },
        {
          id: samples[1]!.derived,
          sessionId: samples[1]!.root,
          status: 'retrying',
          created: NOON + DAY + 2,
          queue: { stream: 'WB_hub_Q_ward', sequence: 2 },
        },
      ]);
      expect(await store.openMessages('ward', { after: samples[0]!.derived })).toHaveLength(1);
      expect(await store.openMessages('ward', { limit: 1 })).toHaveLength(1);
      expect(await store.openMessages('nowhere')).toEqual([]);
    });

    test('an acknowledged message without outcome is completed with a note, one that is not stays', async () => {
      const store = await opened({ now: NOON + 5_000 });
      const samples = [0, 1, 2, 3].map((number) => sampleSession({ number }));
      await store.apply(samples.flatMap(({ arrival, queued }) => [arrival, queued]));
      await store.apply([samples[0]!.outcome, sampleAttempt(samples[1]!, 1)]);
      const floors = [
        { stream: 'WB_hub_Q_ward', floor: 3 },
        { stream: 'WB_hub_Q_other', floor: 9 },
      ];
      expect(await store.settleByFloor(floors)).toBe(2);
      expect(await store.settleByFloor(floors)).toBe(0);
      for (const sample of samples.slice(1, 3)) {
        expect(await store.message(sample.derived)).toMatchObject({
          status: 'completed',
          presumed: true,
          done: NOON + 5_000,
          warning: 'outcome lost in a crash',
        });
      }
      expect(await store.message(samples[0]!.derived)).toMatchObject({
        status: 'completed',
        presumed: undefined,
        warning: undefined,
      });
      expect(await store.message(samples[3]!.derived)).toMatchObject({ status: 'queued' });
    });

    test('a reported outcome replaces a presumed one', async () => {
      const store = await opened();
      const sample = sampleSession({ outcome: { status: 'error' } });
      await store.apply([sample.queued]);
      await store.settleByFloor([{ stream: 'WB_hub_Q_ward', floor: 1 }]);
      await store.apply([sample.outcome]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'error',
        presumed: undefined,
        warning: undefined,
      });
      expect((await store.session(sample.root))?.past).toEqual([]);
    });
  });

  describe(`${name}: purge`, () => {
    const LATER = NOON + 10 * DAY;

    test('settled days go whole, open and held sessions stay and say why', async () => {
      const store = await opened();
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
        bodiesRemoved: 1,
      });
      expect(gone).toEqual(['gone']);
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

    test('a late outcome finds its session after its day is gone, and the session goes when it is settled long enough', async () => {
      const store = await opened();
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
      const store = await opened();
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

    test('above its size the oldest days go early, never the current one', async () => {
      const store = await opened();
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
      const store = await opened();
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
      const store = await opened();
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
      const store = await opened();
      const sample = sampleSession();
      await store.apply(sample.all);
      await store.hold(sample.root, { reason: 'audit', by: 'jdoe' });
      await store.purge({ now: LATER, keep: 7 * DAY });
      await store.release(sample.root);
      expect(await store.purge({ now: LATER, keep: 7 * DAY })).toMatchObject({ released: 1 });
    });
  });

  describe(`${name}: re-index`, () => {
    test('keys are read anew from the bodies, with progress, once for each set of search fields', async () => {
      const store = await opened();
      const samples = Array.from({ length: 30 }, (_, number) =>
        sampleSession({
          number,
          at: startOfDay('2026-03-10') + number * 3_600_000,
          mrn: `M${number}`,
        }),
      );
      await store.apply(samples.flatMap(({ all }) => all));
      const progress: number[] = [];
      const options = {
        fingerprint: 'ward=MSH-5',
        keys: (body: { bytes?: Uint8Array | undefined }) => {
          const text = Buffer.from(body.bytes ?? []).toString();
          return [{ name: 'receiver', value: text.split('|')[4] ?? '' }];
        },
        progress: ({ done, total }: { done: number; total: number }) => {
          progress.push(done / total);
        },
      };
      const report = await store.reindex(options);
      expect(report).toMatchObject({ messages: 60, keys: 60, failed: 0 });
      expect(progress.at(-1)).toBe(1);
      expect(await idsOf(store, { search: { mrn: 'M3' } })).toEqual([]);
      expect(await idsOf(store, { search: { receiver: 'ward' }, limit: 1_000 })).toHaveLength(60);
      expect(await store.reindex(options)).toMatchObject({ messages: 0 });
      expect(await store.orphans()).toBe(0);
    });

    test('a body that cannot be read is counted, and the rest goes on', async () => {
      const store = await opened();
      await store.apply([
        ...sampleSession({ mrn: 'BAD' }).all,
        ...sampleSession({ number: 1, mrn: 'GOOD' }).all,
      ]);
      const report = await store.reindex({
        fingerprint: 'x',
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
