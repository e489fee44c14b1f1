import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { PROJECTOR, WORKER } from '../../src/broker/names.ts';
import { dayOfSession } from '../../src/trace/store/day.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { verifyTrace } from '../../src/trace/verify.ts';
import { given } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { traced } from '../support/traced.ts';

test('what the trace lost, or says otherwise than the streams, is found, named and repaired', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('verify');
  await using line = await given({ nats });
  const ids: number[] = [];
  {
    await using trace = await traced(nats, { folder: folder.path, production: 'test' });
    await line.come('0');
    for (let n = 1; n <= 20; n++) {
      const { messageId } = await line.comes(`${n}`);
      ids.push(messageId);
    }
    await vi.waitFor(async () => {
      for (const id of ids) {
        expect((await trace.store.message(id))?.status).toBe('completed');
      }
      expect(await trace.projector.lag()).toBe(0);
    }, 10_000);
  }
  const [gone = 0, open = 0] = ids;
  const file = new DatabaseSync(join(folder.path, `${dayOfSession(gone)}.db`));
  file.exec(`DELETE FROM message WHERE id = ${gone}`);
  file.exec(`UPDATE message SET status = 0, done = NULL WHERE id = ${open}`);
  file.close();

  await using broker = await connectBroker({ ...nats, production: 'test', role: 'operator' });
  await using store = sqliteTraceStore({ folder: folder.path });
  const verified = (repair: boolean): ReturnType<typeof verifyTrace> =>
    verifyTrace(broker, store, { repair, keys: () => [], patience: 1_000 });
  for (const repair of [false, true]) {
    expect(await verified(repair)).toMatchObject({
      behind: 0,
      missing: { count: 1, ids: [gone] },
      outcome: { count: 1, ids: [open] },
      incomplete: { count: 0 },
      lost: { count: 0 },
      doubled: { count: 0 },
    });
  }
  const none = { count: 0, ids: [] };
  expect(await verified(false)).toMatchObject({ missing: none, outcome: none, incomplete: none });
  expect((await store.message(gone))?.status).toBe('completed');
  expect(Buffer.from((await store.body(gone))?.bytes ?? []).toString()).toBe('1');

  const { stream } = broker.names.queue('out');
  for (const name of [PROJECTOR, WORKER]) await broker.manager.consumers.delete(stream, name);
  const report = await verifyTrace(broker, store, {
    repair: false,
    keys: () => [],
    patience: 0,
    failing: () => 'the disk is full',
  });
  expect(report).toMatchObject({ failing: 'the disk is full', lost: none, missing: none });
  expect(report.behind).toBeGreaterThan(0);
  await rm(folder.path, { recursive: true, force: true });
});
