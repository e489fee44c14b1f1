import { expect, test } from 'vitest';
import { drawPage } from '../../../src/trace/drawing/draw-page.ts';
import { drawQuickHits } from '../../../src/trace/drawing/draw-quick-hits.ts';
import { sqliteTraceStore } from '../../../src/trace/store/sqlite/trace-store.ts';
import type { TracePage, TraceQuery } from '../../../src/trace/trace-query.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { NOON, sampleSession } from '../../support/trace-sample.ts';

const sample = sampleSession({
  outcome: {
    status: 'error',
    error: { code: 'ADAPTER_REJECTED', text: 'unknown patient', retryable: false },
  },
});

async function pageOf(query: TraceQuery): Promise<TracePage> {
  await using folder = await temporaryFolder('page');
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.apply(sample.all);
  return await store.find(query);
}

test('messages stand in a table, and the last line says how far the search got', async () => {
  const page = await pageOf({});
  expect(`\n${drawPage(page, { zone: 'UTC' })}\n`).toBe(`
created                  message          session          status     type     from    to      size   took
2026-03-10 12:00:00.002  ${sample.derived}  ${sample.root}  error      ADT_A01  router  ward    228 B  23ms  ADAPTER_REJECTED unknown patient, AA
2026-03-10 12:00:00.000  ${sample.root}  ${sample.root}  completed  ADT_A01  adt-in  router  231 B  2ms
2 messages; everything was searched
`);
  expect(drawPage(await pageOf({ limit: 1 }), { zone: 'UTC' })).toMatch(
    /1 message; searched back to 2026-03-10 12:00:00\.001; continue with --after m\d+$/,
  );
  expect(drawPage(await pageOf({ target: 'nowhere' }))).toBe('0 messages; everything was searched');
  const indexing = { fields: ['ward'], backTo: NOON };
  expect(drawPage({ ...(await pageOf({ target: 'nowhere' })), indexing }, { zone: 'UTC' })).toBe(
    '0 messages; what began before 2026-03-10 12:00:00.000 may not be found by ward yet: it is still being indexed',
  );
  // nothing is said of what the trace has not read yet
  expect(drawPage(await pageOf({ target: 'nowhere' }), { behind: 12 })).toBe(
    '0 messages; the trace is 12 messages behind: those cannot be found yet, and what is shown may have gone on since',
  );
  // what is missing is the newest, of which there is none on the first page
  expect(drawPage(await pageOf({ limit: 1 }), { behind: 1 })).toMatch(
    /^1 message; the trace is 1 message behind: .*; searched back to .*; continue with --after m\d+$/m,
  );
});

test('a narrow terminal gets fewer columns, and no line is wider than it', async () => {
  const page = await pageOf({});
  for (const width of [40, 60, 80, 100, 140]) {
    const lines = drawPage(page, { width }).split('\n').slice(0, -1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
  }
  const [head = ''] = drawPage(page, { width: 64 }).split('\n');
  expect(head.split(/ {2,}/)).toEqual(['created', 'message', 'status', 'to']);
});

test('what a pasted text was found as is listed', () => {
  expect(drawQuickHits([])).toContain('nothing');
  const hits = [
    { kind: 'session', sessionId: 5, at: NOON },
    { kind: 'message', sessionId: 5, messageId: 6, at: NOON },
    { kind: 'field', sessionId: 5, field: 'mrn', at: NOON },
  ] as const;
  expect(drawQuickHits(hits, { zone: 'UTC' })).toBe(
    [
      '2026-03-10 12:00:00.000  session 5',
      '2026-03-10 12:00:00.000  message 6 of session 5',
      '2026-03-10 12:00:00.000  mrn of session 5',
    ].join('\n'),
  );
});
