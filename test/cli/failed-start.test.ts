import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiError } from '@nats-io/jetstream';
import { TimeoutError } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { startNatsServer } from '../../src/broker/embedded/nats-server.ts';
import { runProduction, startTrouble } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';

const PRODUCTION = `production: begun
services:
  in: { adapter: file-in, settings: { folder: . , pattern: 'none-*' }, to: out }
operations:
  out: { adapter: file-out, settings: { folder: ., name: '{id}' } }
`;

/** Does something with the server of a data folder on which no engine runs. */
async function onServer(data: string, work: (broker: Broker) => Promise<unknown>): Promise<void> {
  await using server = await startNatsServer({ data, durability: 'process-crash' });
  await using broker = await connectBroker({ ...server, production: 'begun', role: 'test' });
  await work(broker);
}

test('a production that cannot be started leaves nothing running, and starts once the cause is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-'));
  const data = join(folder, 'data');
  try {
    await writeFile(join(folder, 'production.yaml'), PRODUCTION);
    // its queue cannot be made: another stream has the subject
    await onServer(data, ({ manager }) =>
      manager.streams.add({ name: 'OTHER', subjects: ['wb.begun.q.out'] }),
    );
    const options = { folder, data, durability: 'process-crash', log: silentLogger } as const;
    const log = vi.spyOn(process.stderr, 'write');
    await expect(runProduction(options)).rejects.toThrow(/overlap/);
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
    expect(existsSync(join(data, 'nats.json'))).toBe(false);
    await onServer(data, ({ manager }) => manager.streams.delete('OTHER'));
    await using running = await runProduction(options);
    expect(running.director.statuses().map(({ state }) => state)).toEqual(['running', 'running']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.runIf(canMount)(
  'a start on a full disk names the data folder, and starts once there is room',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-'));
    await using disk = await smallDisk(40);
    const data = join(disk.path, 'data');
    try {
      await writeFile(join(folder, 'production.yaml'), PRODUCTION);
      await mkdir(data);
      const options = { folder, data, durability: 'process-crash', log: silentLogger } as const;
      await disk.fill(true);
      await expect(runProduction(options)).rejects.toThrow(
        `the data folder ${data} cannot be written (ENOSPC): free or repair its disk`,
      );
      await disk.fill(false);
      await using running = await runProduction(options);
      expect(running.director.statuses()).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

test('a start during which NATS stops answering is told as such, and one that is full by what to do', () => {
  expect(startTrouble(new TimeoutError(), '/data')).toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringMatching(/^NATS stopped answering during the start \(TimeoutError\)/),
  });
  const full = { code: 503, err_code: 10_023, description: 'insufficient resources' };
  expect(startTrouble(new JetStreamApiError(full), '/data')).toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringMatching(/insufficient resources\. .*raise max_file_store/),
  });
  const other = new TypeError('a defect');
  expect(startTrouble(other, '/data')).toBe(other);
});
