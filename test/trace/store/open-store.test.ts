import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { inlineBody } from '../../../src/message/body.ts';
import { openTraceStore } from '../../../src/trace/store/open-store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sampleSession } from '../../support/trace-sample.ts';

test('without a URL the trace lies in files, and large bodies are searched where they are', async () => {
  await using folder = await temporaryFolder('open-store');
  const bodies = { open: () => inlineBody(Buffer.from('far away')) };
  await using store = await openTraceStore({ production: 'hub', folder: folder.path, bodies });
  const sample = sampleSession({ bodyRef: 'b1.1' });
  await store.apply(sample.all);
  expect((await store.find({ contains: 'away' })).items).toMatchObject([{ id: sample.derived }]);
});

test('the URL of something else is refused, and its password not repeated', async () => {
  const opening = openTraceStore({
    production: 'hub',
    folder: '/nowhere',
    url: 'mysql://u:secret@host/db',
  });
  await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(opening).rejects.not.toThrow('secret');
});

test('files of another version are told as such and left alone', async () => {
  await using folder = await temporaryFolder('open-store');
  await (await openTraceStore({ production: 'hub', folder: folder.path })).close();
  const db = new DatabaseSync(join(folder.path, 'held.db'));
  db.exec('PRAGMA user_version=99');
  db.close();
  await expect(openTraceStore({ production: 'hub', folder: folder.path })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('held.db was written by a newer version'),
  });
});
