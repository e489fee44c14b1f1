import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/plane/operator-plane.ts';
import { startNats } from '../support/nats.ts';
import { openResources } from '../support/nothing-open.ts';
import { operated, WARD } from '../support/operator.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a change of search fields and of what is kept, once applied, holds in the operator plane too', async () => {
  await using production = await operated();
  const found = async (name: string, value: string): Promise<number> => {
    const { status, body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      search: { [name]: value },
    });
    return status === 200 ? body.items.length : 0;
  };
  await production.send('A1', { mrn: '1001', name: 'Roe^Ann' });
  await vi.waitFor(async () => expect(await found('mrn', '1001')).toBeGreaterThan(0));
  expect(await found('family', 'Roe')).toBe(0);

  const changed = WARD.replace(
    'search: { mrn: PID-3.1 }',
    'search: { mrn: PID-3.1, family: PID-5.1 }\n  keep: 3d',
  );
  await production.folder.write({ 'production.yaml': changed });
  const applied = await production.ask('POST', '/api/v1/production/reload', { dryRun: false });
  expect(applied.status).toBe(200);

  // what is traced from now on, and what was before
  await production.send('A2', { mrn: '1002', name: 'Poe^Bob' });
  await vi.waitFor(async () => expect(await found('family', 'Poe')).toBeGreaterThan(0), 5_000);
  await vi.waitFor(async () => expect(await found('family', 'Roe')).toBeGreaterThan(0), 5_000);
  const { body } = await production.ask('GET', '/api/v1/storage');
  expect(body).toMatchObject({ keep: 3 * 86_400_000 });
});

test('a plane that has stopped leaves no timer behind, for which its thread and the process would wait', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('stopped');
  const open = openResources();
  const plane = await startOperator({
    access: { url: nats.url, user: nats.user, password: nats.password },
    production: 'stopped',
    data: folder.path,
    trace: undefined,
    search: new Map(),
    keep: 86_400_000,
    log: silentLogger,
  });
  // it holds the trace by now, and gives it back when it stops
  await vi.waitFor(async () => expect(await plane.store.mark()).toBeDefined());
  await plane.stop();
  expect(open.timers).toEqual([]);
});

test('a plane that could not be started leaves nothing open', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('not-started');
  // where the folder of the trace would be
  await writeFile(join(folder.path, 'trace'), '');
  const open = openResources();
  const starting = startOperator({
    access: { url: nats.url, user: nats.user, password: nats.password },
    production: 'unstarted',
    data: folder.path,
    trace: undefined,
    search: new Map(),
    keep: 86_400_000,
    log: silentLogger,
  });
  await expect(starting).rejects.toThrow(/EEXIST|ENOTDIR|trace/);
  await open.expectNothingNew();
});
