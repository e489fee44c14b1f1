import { createHook } from 'node:async_hooks';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteDatabase } from '../../src/access/meta/sqlite/database.ts';
import { syncedLog } from '../../src/database/synced-log.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** How many requests to the threads of the file system `work` makes: a sync opens, syncs and closes. */
async function fileRequests(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init(_, type) {
      if (type.startsWith('FSREQ') || type === 'FILEHANDLECLOSEREQ') count += 1;
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return count;
}

test('what is written to the databases of the console is synced before it is told, and reading syncs nothing', async () => {
  await using folder = await temporaryFolder('synced');
  await using meta = await sqliteDatabase(folder.path, 'meta.db');
  const writes = [
    () => meta.run('CREATE TABLE kept(n INTEGER)'),
    () => meta.run('INSERT INTO kept(n) VALUES(?)', 1),
    () => meta.get('UPDATE kept SET n = 2 RETURNING n'),
    () => meta.transaction((session) => session.run('DELETE FROM kept')),
  ];
  for (const write of writes) expect(await fileRequests(write)).toBeGreaterThanOrEqual(3);
  expect(await fileRequests(() => meta.all('SELECT n FROM kept'))).toBe(0);
  expect(await fileRequests(() => meta.get('  select n from kept'))).toBe(0);

  await using trace = sqliteTraceStore({ folder: join(folder.path, 'trace') });
  const at = Date.now();
  const host = { kind: 'host', host: 'in', event: 'started', level: 'info', at, text: '' } as const;
  const input = { kind: 'entry', entry: { record: host } } as const;
  expect(await fileRequests(() => trace.apply([input]))).toBeGreaterThanOrEqual(3);
});

test('a sync shares with those who ask meanwhile, tells each of its error, and a log that is gone is none', async () => {
  await using folder = await temporaryFolder('synced');
  const path = join(folder.path, 'x.db');
  const sync = syncedLog(path);
  await sync();
  await mkdir(`${path}-wal`);
  const refused = await Promise.allSettled([sync(), sync(), sync()]);
  expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await rmdir(`${path}-wal`);
  await writeFile(`${path}-wal`, 'log');
  const alone = await fileRequests(sync);
  const many = await fileRequests(() =>
    Promise.all([...Array.from({ length: 20 }, sync), Promise.resolve().then(sync)]),
  );
  expect(alone).toBeGreaterThanOrEqual(3);
  expect(many).toBeLessThanOrEqual(3 * alone);
});
