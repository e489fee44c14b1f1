import { expect, test } from 'vitest';
import { drawSession } from '../../../src/trace/drawing/draw-session.ts';
import { sqliteTraceStore } from '../../../src/trace/store/sqlite/trace-store.ts';
import type { TraceInput } from '../../../src/trace/trace-input.ts';
import type { TracedSession } from '../../../src/trace/traced-message.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { NOON, sampleAttempt, sampleSession } from '../../support/trace-sample.ts';

async function sessionOf(inputs: readonly TraceInput[], id: number): Promise<TracedSession> {
  await using folder = await temporaryFolder('drawing');
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.apply(inputs);
  return (await store.session(id))!;
}

const good = sampleSession();
const bad = sampleSession({
  outcome: {
    status: 'error',
    done: NOON + 9_000,
    attempts: 7,
    error: { code: 'ADAPTER_REJECTED', text: 'no\u001b[2J such\r\npatient', retryable: false },
    reply: { type: 'HL7v2:ACK:2.5.1', code: 'AE' },
  },
});

test('a session is drawn with a column for each host', async () => {
  const session = await sessionOf(good.all, good.root);
  expect(`\n${drawSession(session, { zone: 'UTC', width: 120 })}\n`).toBe(`
session ${good.root}, 2026-03-10 12:00:00.000, 2 messages, 25ms

             adt-in      router       ward
+0ms            │─ADT_A01──▶│           │      #${good.root}, 231 B, completed 2ms
+0ms            │           ●           │      rule "inpatient admissions" fired, to ward
+2ms            │           │─ADT_A01──▶│      #${good.derived}, 228 B
+25ms           │           │◀───────AA─│      completed 23ms
`);
});

test('a narrow terminal gets a tree, in plain ASCII if it knows no more', async () => {
  const session = await sessionOf(good.all, good.root);
  const drawn = drawSession(session, { zone: 'UTC', width: 60, ascii: true });
  expect(drawn).not.toMatch(/[^\n -~]/);
  expect(`\n${drawn}\n`).toBe(`
session ${good.root}, 2026-03-10 12:00:00.000, 2 messa...

+0ms adt-in -> router ADT_A01 #${good.root}, 231 B,
  completed 2ms
  +0ms router: rule "inpatient admissions" fired, to ward
  +2ms router -> ward ADT_A01 #${good.derived}, 228 B
    +25ms ward -> router AA completed 23ms
`);
});

test.for([20, 40, 72, 100, 200])('no line is wider than %i columns', async (width) => {
  const attempts = [1, 2, 3, 4, 5, 6].map((number) => sampleAttempt(bad, number));
  const session = await sessionOf([...bad.all, ...attempts], bad.root);
  const lines = drawSession(session, { width }).split('\n');
  // every try is on a line of its own, whatever the width
  expect(lines.length).toBeGreaterThan(attempts.length);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
});

test('tries are told with their errors, many of them in short, and how it ended', async () => {
  const attempts = [1, 2, 3, 4, 5, 6].map((number) => sampleAttempt(bad, number));
  const session = await sessionOf([...bad.all, ...attempts], bad.root);
  const drawn = drawSession(session, { zone: 'UTC' });
  expect(drawn).toContain(
    'try 1 failed: ADAPTER_NOT_CONNECTED ward refused the connection, next after 1s',
  );
  expect(drawn).toContain('2 more tries');
  expect(drawn).not.toContain('try 4');
  expect(drawn).toContain('try 6 failed');
  expect(drawn).toMatch(/◀─+AE─│ +error 9s, 7 tries, ADAPTER_REJECTED no \[2J such patient/);
});

test('nothing of a peer or a file name is obeyed by the terminal', async () => {
  const session = await sessionOf(bad.all, bad.root);
  // oxlint-disable-next-line no-control-regex
  expect(drawSession(session)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('all rules are shown on demand, with their conditions', async () => {
  const { arrival, ...rest } = sampleSession();
  const { entry } = arrival as Extract<TraceInput, { kind: 'entry' }>;
  const record = {
    ...entry.record,
    explain: {
      rules: [
        { rule: 'first', result: 'no' as const, when: 'event == "A08"' },
        { rule: 'second', result: 'error' as const, text: 'no such table' },
      ],
      sent: [],
      otherwise: 'discard' as const,
      notes: ['41 of 44 fields are in FHIR. Not mapped: ZPI'],
    },
  } as typeof entry.record;
  const session = await sessionOf([{ kind: 'entry', entry: { record } }], rest.root);
  const short = drawSession(session);
  expect(short).not.toContain('first');
  expect(short).toContain('rule "second" error, no such table');
  expect(short).toContain('no rule fired: discard');
  expect(short).toContain('41 of 44 fields are in FHIR. Not mapped: ZPI');
  expect(drawSession(session, { rules: true })).toContain('rule "first" no, when event == "A08"');
});

test('what a person did is told: the suspension before, who ended it, the resend', async () => {
  const suspended = sampleSession({
    outcome: {
      status: 'suspended',
      done: NOON + 100,
      error: { code: 'REPLY_UNEXPECTED', text: 'AE', retryable: false },
    },
  });
  const discarded = sampleSession({
    outcome: { status: 'discarded', done: NOON + 60_000, by: 'jdoe' },
  });
  const again = sampleSession({ number: 1, envelope: { resendOf: suspended.derived } });
  const session = await sessionOf(
    [...suspended.all, discarded.outcome, ...again.all],
    suspended.root,
  );
  const drawn = drawSession(session);
  expect(drawn).toContain('suspended, REPLY_UNEXPECTED AE');
  expect(drawn).toContain('discarded 60s, by jdoe');
  expect(drawn).toContain(`resent as message ${again.derived} (session ${again.root})`);
});

test('a message says who received it, and the receiver what it received', async () => {
  const completed = { status: 'completed', done: NOON + 25, attempts: 1 } as const;
  const taken = sampleSession({ outcome: { ...completed, receivedBy: 4_711 } });
  expect(drawSession(await sessionOf(taken.all, taken.root))).toContain('received by 4711');
  const receivedIds = [1, 2, 3, 4, 5, 6, 7];
  const receiver = sampleSession({ outcome: { ...completed, receivedIds } });
  expect(drawSession(await sessionOf(receiver.all, receiver.root))).toContain(
    'received 1, 2, 3, 4, 5 and 2 more',
  );
});
