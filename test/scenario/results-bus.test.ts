import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { readProduction } from '../../src/definition/read.ts';
import { startNats } from '../support/nats.ts';
import { natsPeer } from '../support/nats-peer.ts';
import { run } from '../support/running.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = join(import.meta.dirname, '../../productions/results-bus');

test('the example of a results bus runs on two engines: each result once, questions are answered', async () => {
  await using peer = await natsPeer({
    lines: ['authorization { users: [{ user: hub, password: pw }] }'],
    as: { user: 'hub', pass: 'pw' },
  });
  await using archive = await temporaryFolder('archive');
  const client = await peer.client();
  const manager = await jetstreamManager(client);
  await manager.streams.add({ name: 'RESULTS', subjects: ['lab.results.>'] });
  await manager.streams.add({ name: 'PORTAL', subjects: ['portal.>'] });
  client.subscribe('register.find', {
    callback: (_error, message) => void message.respond(Buffer.from('{"name":"Doe"}')),
  });
  const environment = {
    LAB_NATS: `127.0.0.1:${peer.port}`,
    NATS_PASSWORD: 'pw',
    ARCHIVE: archive.path,
  };
  const adapters = await allAdapters();
  const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  await using nats = await startNats();
  await using engines = new AsyncDisposableStack();
  engines.use(await run(nats, definition));
  engines.use(await run(nats, definition));
  const js = jetstream(client);
  for (let n = 0; n < 40; n++) {
    await js.publish('lab.results.a', JSON.stringify({ patient: `${n}`, ward: `A.${n % 2}` }));
  }
  await vi.waitFor(
    async () => {
      const { state } = await manager.streams.info('PORTAL', { subjects_filter: '>' });
      expect(state.subjects).toEqual({ 'portal.notices.A_0': 20, 'portal.notices.A_1': 20 });
      expect(await readdir(archive.path)).toHaveLength(40);
    },
    { timeout: 20_000 },
  );
  const { num_ack_pending: open } = await manager.consumers.info('RESULTS', 'hub');
  expect(open).toBe(0);
  await vi.waitFor(
    async () => {
      const answer = await client.request('hub.patient', '{"patient":"1"}', { timeout: 5_000 });
      expect(answer.string()).toBe('{"name":"Doe"}');
    },
    { timeout: 15_000 },
  );
});
