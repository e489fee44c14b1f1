import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { idAtTime } from '../../../../src/message/id.ts';
import { keyMatches } from '../../../../src/trace/key-value.ts';
import { candidateStatements } from '../../../../src/trace/store/sqlite/find.ts';
import { TraceFile } from '../../../../src/trace/store/sqlite/trace-file.ts';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import type { TraceQuery } from '../../../../src/trace/trace-query.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON, sampleSession } from '../../../support/trace-sample.ts';

const DAY_FILE = '2026-03-10';

function explain(db: DatabaseSync, sql: string): string[] {
  return db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map((row) => String(row['detail']));
}

/** Query → the plan of its first statement. */
const PLANS: readonly [TraceQuery, readonly string[]][] = [
  [{}, ['SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)']],
  [{ target: 'ward' }, ['SEARCH m USING INDEX message_target (target=? AND id>? AND id<?)']],
  [{ source: 'adt-in' }, ['SEARCH m USING INDEX message_source (source=? AND id>? AND id<?)']],
  [{ hosts: ['ward'] }, ['SEARCH m USING INDEX message_target (target=? AND id>? AND id<?)']],
  [{ status: ['error'] }, ['SEARCH m USING INDEX message_status (status=? AND id>? AND id<?)']],
  [
    { status: ['suspended'], target: 'ward', type: 'ADT', error: 'x' },
    ['SEARCH m USING INDEX message_status (status=? AND id>? AND id<?)'],
  ],
  [
    { ids: [7, 8], status: ['error'], visible: ['ward'] },
    [
      'SEARCH m USING INTEGER PRIMARY KEY (rowid=?)',
      'LIST SUBQUERY 1',
      'SCAN json_each VIRTUAL TABLE INDEX 1:',
    ],
  ],
  [{ resendOf: 7 }, ['SEARCH m USING INDEX message_resend (resend_of=? AND rowid>? AND rowid<?)']],
  [
    { minDuration: 5, visible: ['ward'] },
    ['SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  ],
];

test('every search by time, host, status and resend walks one index in order, without sorting', async () => {
  await using folder = await temporaryFolder('trace-plan');
  const store = sqliteTraceStore({ folder: folder.path });
  await store.apply(sampleSession().all);
  await store.close();
  const file = new TraceFile(DAY_FILE, join(folder.path, `${DAY_FILE}.db`));
  const span = { order: 'id', low: 0, high: idAtTime(NOON) * 2 } as const;
  for (const [query, plan] of PLANS) {
    const [first] = candidateStatements(file, query, { keys: [], span, limit: 50 });
    expect({ query, plan: explain(file.db, first?.sql ?? '') }).toEqual({ query, plan });
  }
  file.close();
});

test('a search by field seeks the key, then the few messages of its sessions, whatever else is asked', async () => {
  await using folder = await temporaryFolder('trace-plan');
  const store = sqliteTraceStore({ folder: folder.path });
  await store.apply(sampleSession().all);
  await store.close();
  const file = new TraceFile(DAY_FILE, join(folder.path, `${DAY_FILE}.db`));
  const span = { order: 'scope', low: 0, high: idAtTime(NOON) * 2 } as const;
  for (const query of [
    { search: { mrn: 'M1' } },
    { search: { mrn: 'M1' }, target: 'ward', status: ['completed'] },
    { search: { mrn: 'M1', 'control-id': 'C*' }, visible: ['ward'] },
  ] satisfies TraceQuery[]) {
    const [statement] = candidateStatements(file, query, {
      keys: keyMatches(query.search),
      span,
      limit: 50,
    });
    const plan = explain(file.db, statement?.sql ?? '');
    expect(plan).toContainEqual(
      expect.stringMatching(/^SEARCH skey USING PRIMARY KEY \(bucket=\? AND name=\? AND value=\?/),
    );
    expect(plan).toContain('SEARCH m USING INDEX message_session (session_id=?)');
    expect(plan.findIndex((line) => line.includes('message_session'))).toBeGreaterThan(
      plan.findIndex((line) => line.includes('skey')),
    );
  }
  file.close();
});

test('no question reads a whole table', async () => {
  await using folder = await temporaryFolder('trace-plan');
  const store = sqliteTraceStore({ folder: folder.path });
  const sample = sampleSession();
  await store.apply(sample.all);
  using asked = vi.spyOn(TraceFile.prototype, 'all');
  using changed = vi.spyOn(TraceFile.prototype, 'run');
  await store.session(sample.root);
  await store.body(sample.derived, 'reply');
  await store.quickFind('M1');
  await store.events({ hosts: ['ward'] });
  await store.statistics({ from: NOON, to: NOON + 1, step: 60_000 });
  await store.replayList({ host: 'ward', from: NOON, to: NOON + 1 });
  await store.openMessages('ward');
  await store.failures({});
  await store.settleByFloor([{ stream: 'WB_hub_Q_ward', floor: 5 }]);
  await store.apply(sampleSession({ number: 1 }).all);
  await store.usage();
  const db = new DatabaseSync(join(folder.path, `${DAY_FILE}.db`));
  const held = new DatabaseSync(join(folder.path, 'held.db'));
  const statements = [...asked.mock.calls, ...changed.mock.calls].map(([sql]) => sql);
  expect(statements.length).toBeGreaterThan(20);
  for (const sql of new Set(statements)) {
    const scans = explain(
      /hold|gone_/.test(sql) || /held_session/.test(sql) ? held : db,
      sql,
    ).filter(
      // tables of a few rows, and lists given with the statement
      (line) =>
        line.startsWith('SCAN ') &&
        !/^SCAN (json_each|key_name|word|hold|held_session|\(subquery|CONSTANT)/.test(line),
    );
    expect({ sql, scans }).toEqual({ sql, scans: [] });
  }
  db.close();
  held.close();
  await store.close();
});
