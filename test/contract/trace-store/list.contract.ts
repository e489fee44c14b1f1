import { describe, expect, test } from 'vitest';
import { idAtTime } from '../../../src/message/id.ts';
import type { OutcomeRecord } from '../../../src/message/record.ts';
import type { TraceInput } from '../../../src/trace/trace-input.ts';
import type { TraceStore } from '../../../src/trace/trace-store.ts';
import { hl7, NOON, sampleAttempt, sampleSession } from '../../support/trace-sample.ts';
import { DAY, type OpenTraceStore, opened } from './opened.ts';

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

const failed = (
  number: number,
  status: 'error' | 'suspended',
  code: string,
  text = `text ${number}`,
): TraceInput[] => [
  ...sampleSession({
    number,
    at: NOON + number,
    outcome: { status, error: { code, text, retryable: false } },
  }).all,
];

/** Events, roll-ups, replays, failures and what is still open. */
export function describeTraceLists(name: string, open: OpenTraceStore): void {
  describe(`${name}: lists`, () => {
    test('how whole sessions stand: a failure before what is open, what is open before what was delivered', async () => {
      const store = await opened(open);
      const delivered = sampleSession({ number: 1, at: NOON + 1 });
      const refused = sampleSession({
        number: 2,
        at: NOON + DAY,
        outcome: {
          status: 'suspended',
          error: { code: 'NO_BED', text: 'no bed', retryable: false },
        },
      });
      const tried = sampleSession({ number: 3, at: NOON + 3 });
      const dropped = sampleSession({
        number: 4,
        at: NOON + 4,
        outcome: { status: 'discarded' },
      });
      await store.apply([
        ...delivered.all,
        ...refused.all,
        tried.arrival,
        tried.queued,
        sampleAttempt(tried, 1),
        ...dropped.all,
      ]);
      const sessions = [delivered, refused, tried, dropped].map(({ root }) => root);
      const found = await store.outcomes([...sessions, 4711]);
      expect(
        found.toSorted((a, b) => sessions.indexOf(a.sessionId) - sessions.indexOf(b.sessionId)),
      ).toMatchObject([
        { sessionId: delivered.root, state: 'delivered', open: false },
        {
          state: 'refused',
          messageId: refused.derived,
          host: 'ward',
          code: 'NO_BED',
          text: 'no bed',
        },
        { state: 'under-way', open: true, status: 'retrying', host: 'ward' },
        { state: 'discarded', open: false },
      ]);
      expect(found).toHaveLength(4);
      expect(await store.outcomes([])).toEqual([]);
    });

    test('events, newest first, by host, time and level', async () => {
      const store = await opened(open);
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
      const store = await opened(open);
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
      const store = await opened(open);
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
      const store = await opened(open);
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

    test('failures of one cause are one group whatever message they name, and are found by it', async () => {
      const store = await opened(open);
      const texts = [1, 2, 3].map((n) => `no bed for ${n}00${n}^^^MR: POST answered 422`);
      await store.apply([
        ...texts.flatMap((text, n) => failed(n * 10, 'error', 'A', text)),
        ...failed(40, 'error', 'A', 'no bed for 9009^^^MR: POST answered 503'),
        ...failed(50, 'error', 'B', texts[0]),
      ]);
      const groups = await store.failures({ byCause: true });
      expect(groups).toMatchObject([
        {
          code: 'A',
          count: 3,
          text: texts[2],
          cause: 'no bed for … POST answered 422',
          first: NOON + 2,
          last: NOON + 22,
        },
        { code: 'A', count: 1, cause: 'no bed for … POST answered 503' },
        { code: 'B', count: 1 },
      ]);
      const query = { target: 'ward', cause: groups[0]?.cause, limit: 2 };
      const first = await store.find(query);
      const rest = await store.find({ ...query, after: first.next });
      const found = [...first.items, ...rest.items].map((item) => item.error?.text);
      expect(found).toEqual([texts[0], ...texts.toReversed()]);
      expect(await store.failures({})).toMatchObject([{ code: 'A', count: 4, cause: '' }, {}]);
    });

    test('failures of one code are told apart by what the receiver said, in its reply or beside the error', async () => {
      const store = await opened(open);
      const error = { code: 'A', text: 'the peer answered AE', retryable: true };
      const ended = (number: number, said: string, inReply: boolean) => {
        const outcome: Partial<OutcomeRecord> = inReply
          ? { status: 'suspended', error, reply: { type: 'x', code: 'AE', text: said } }
          : { status: 'suspended', error: { ...error, said } };
        return sampleSession({ at: NOON + number, number, outcome });
      };
      const sessions = [
        ended(0, 'ward UNKNOWN is not in the table', true),
        ended(10, 'ward UNKNOWN is not in the table', false),
        ended(20, 'database is read-only', true),
      ];
      const [first] = sessions;
      await store.apply(sessions.flatMap(({ all }) => all));
      const groups = await store.failures({ byCause: true });
      expect(groups).toMatchObject([
        { count: 2, text: error.text, said: 'ward UNKNOWN is not in the table' },
        { count: 1, text: error.text, said: 'database is read-only' },
      ]);
      for (const { cause, count } of groups)
        expect((await store.find({ target: 'ward', cause })).items).toHaveLength(count);
      expect((await store.find({ error: 'not in the' })).items).toHaveLength(2);
      expect((await store.message(first?.derived ?? 0))?.error).toMatchObject({
        said: 'ward UNKNOWN is not in the table',
      });
      const [outcome] = await store.outcomes([first?.root ?? 0]);
      expect(outcome).toMatchObject({ said: 'ward UNKNOWN is not in the table' });
    });

    test('a failed try keeps what the receiver said', async () => {
      const store = await opened(open);
      const session = sampleSession({ number: 7 });
      const tried = sampleAttempt(session, 1, NOON, { said: 'come back later' });
      await store.apply([session.arrival, session.queued, tried]);
      const found = await store.session(session.root);
      expect(found?.attempts).toMatchObject([{ error: { said: 'come back later' } }]);
      expect(found?.messages[1]).toMatchObject({
        status: 'retrying',
        error: { said: 'come back later' },
      });
      await store.apply([session.outcome]);
      expect((await store.session(session.root))?.messages[1]?.error).toBeUndefined();
    });
  });

  describe(`${name}: reconciliation`, () => {
    test('what a batch would change is told, and nothing is changed by asking', async () => {
      const store = await opened(open);
      const [known, half, missing] = [0, 1, 2].map((number) => sampleSession({ number }));
      await store.apply([...known!.all, half!.arrival, half!.queued]);
      const inputs = [known!, half!, missing!].flatMap(({ all }) => all);
      for (let asked = 0; asked < 2; asked++) {
        const found = await store.differences(inputs);
        expect(new Map(found.map(({ id, kind }) => [id, kind]))).toEqual(
          new Map([
            [half!.derived, 'outcome'],
            [missing!.root, 'missing'],
            [missing!.derived, 'missing'],
          ]),
        );
      }
      expect(await store.message(missing!.derived)).toBeUndefined();
      expect(await store.orphans()).toBe(0);
      await store.apply(inputs);
      expect(await store.differences(inputs)).toEqual([]);
    });

    test('what a queue has lost is an error, what was made since at the same place is not, and an outcome stands over it', async () => {
      const store = await opened(open);
      const samples = [0, 1, 2, 3].map((number) =>
        sampleSession({ number, at: number === 3 ? NOON + 60_000 : NOON }),
      );
      await store.apply(samples.map(({ queued }) => queued));
      const lost = { stream: 'WB_hub_Q_ward', from: 2, to: 4, before: NOON + 30_000 };
      const [, second, third, later] = samples;
      expect(new Set(await store.settleLost(lost))).toEqual(
        new Set([second!.derived, third!.derived]),
      );
      expect(await store.settleLost(lost)).toEqual([]);
      expect(await store.message(second!.derived)).toMatchObject({
        status: 'error',
        error: { code: 'MESSAGE_LOST' },
        hasBody: true,
      });
      expect((await store.message(later!.derived))?.status).toBe('queued');
      await store.apply([third!.outcome]);
      expect((await store.message(third!.derived))?.status).toBe('completed');
    });

    test('open messages of a host, oldest first', async () => {
      const store = await opened(open);
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
      const store = await opened(open, { now: NOON + 5_000 });
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
      const store = await opened(open);
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
}
