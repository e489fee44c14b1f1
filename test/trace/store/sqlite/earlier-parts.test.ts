import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { searchKeysOf } from '../../../contract/trace-store/asked.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { sampleSession } from '../../../support/trace-sample.ts';
import { splitSession } from '../../../support/trace-split.ts';

const SEARCH = { mrn: 'PID-3.1' };

test('of what an earlier version stored of a split, a patient is found in their part, and the file holds others', async () => {
  await using folder = await temporaryFolder('earlier-parts');
  const split = splitSession(['P0', 'P1', 'P2']);
  const { whole, parts } = split;
  const before = sqliteTraceStore({ folder: folder.path });
  const options = { search: new Map(Object.entries(SEARCH)), keys: searchKeysOf(SEARCH) };
  await before.reindex(options);
  await before.apply([...split.all, ...sampleSession({ number: 9, mrn: 'P1' }).all]);
  await before.close();
  // it had no branches: all keys were those of the session
  const db = new DatabaseSync(join(folder.path, '2026-03-10.db'));
  db.exec(`UPDATE OR REPLACE skey SET session_id=${whole}
    WHERE session_id IN (SELECT branch FROM message WHERE branch IS NOT NULL)`);
  db.exec('UPDATE message SET branch=NULL');
  db.close();
  await using store = sqliteTraceStore({ folder: folder.path });
  for (const again of [false, true]) {
    if (again) await store.reindex({ ...options, search: new Map([['mrn', 'PID-2']]) });
    if (again) await store.reindex(options);
    const { items, shared } = await store.find({ search: { mrn: 'P1' }, limit: 10 });
    expect(items.filter(({ sessionId }) => sessionId === whole).map(({ id }) => id)).toEqual([
      parts[1]?.id,
      whole,
    ]);
    expect(shared).toEqual([whole]);
  }
});
