import { assert, asyncProperty, integer, shuffledSubarray } from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TraceInput } from '../../../src/trace/trace-input.ts';
import { examples } from '../../support/examples.ts';
import { hl7, NOON, sampleAttempt, sampleSession } from '../../support/trace-sample.ts';
import { type OpenTraceStore, opened, picture } from './opened.ts';

/** What is applied reads back, in whatever order and however often it came. */
export function describeTraceApply(name: string, open: OpenTraceStore): void {
  describe(`${name}: what is applied`, () => {
    test('a session reads back with its legs, rules, reply, times and bodies', async () => {
      const store = await opened(open);
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
      const store = await opened(open);
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
      const expected = await opened(open);
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
      await assert(
        asyncProperty(
          shuffledSubarray([...inputs, ...inputs], { minLength: inputs.length * 2 }),
          integer({ min: 1, max: 6 }),
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
        { numRuns: examples(8) },
      );
    });

    test('an outcome that came before its message is seen, and completed by it', async () => {
      const store = await opened(open);
      const sample = sampleSession();
      await store.apply([sample.outcome]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        target: 'ward',
        source: '',
        hasBody: false,
      });
      const standing = { id: sample.derived, settlement: { status: 'completed' } };
      expect(await store.apply([sample.queued])).toMatchObject([standing]);
      expect(await store.message(sample.derived)).toMatchObject({
        status: 'completed',
        source: 'router',
        hasBody: true,
      });
      // a batch that comes again changes nothing, and still says how its messages stand
      expect(await store.apply([sample.queued])).toMatchObject([standing]);
    });

    test('a message is retrying with its last error until it is settled', async () => {
      const store = await opened(open);
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
      const store = await opened(open);
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
      const store = await opened(open);
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

    test('times with fractions and texts with control characters do not stop the trace', async () => {
      const store = await opened(open);
      const sample = sampleSession({
        envelope: { name: 'a\u0000b\ud800.hl7' },
        outcome: {
          status: 'error',
          done: NOON + 25.4,
          error: { code: 'X', text: 'no\u0000 such', retryable: true },
        },
      });
      const { entry } = sampleAttempt(sample, 1) as Extract<TraceInput, { kind: 'entry' }>;
      const record = {
        ...entry.record,
        at: NOON + 0.5,
        next: Number.POSITIVE_INFINITY,
      } as typeof entry.record;
      await store.apply([...sample.all, { kind: 'entry', entry: { record } }]);
      const message = await store.message(sample.derived);
      expect(message).toMatchObject({
        done: NOON + 25,
        error: { text: expect.stringMatching(/^no. such$/) },
      });
      expect(message?.name).toMatch(/^a.b.\.hl7$/);
      expect((await store.session(sample.root))?.attempts).toMatchObject([
        { at: NOON + 1, next: 0 },
      ]);
    });

    test('a large body is known by its reference and size', async () => {
      const store = await opened(open);
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
      const store = await opened(open);
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
}
