import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { readProduction } from '../../src/definition/read.ts';
import { mosquitto, noMosquitto } from '../support/mosquitto.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = join(import.meta.dirname, '../../productions/ward-sensors');

test.skipIf(noMosquitto !== undefined)(
  'the example of sensors runs on two engines: one has the session, the other takes it over, nothing is missing or twice',
  async () => {
    await using peer = await mosquitto();
    await using archive = await temporaryFolder('archive');
    const heard = await peer.listen('pharmacy/#');
    const environment = { MQTT: `127.0.0.1:${peer.port}`, ARCHIVE: archive.path };
    const adapters = await allAdapters();
    const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
    if (definition === undefined) throw new Error(JSON.stringify(problems));
    await using nats = await startNats();
    const one = await run(nats, definition);
    await using two = await run(nats, definition);
    const isOpen = ({ director }: typeof one): boolean =>
      director
        .statuses()
        .some(({ host, connection }) => host === 'temperatures' && connection === 'connected');
    await vi.waitFor(() => expect([one, two].filter(isOpen)).toHaveLength(1), { timeout: 15_000 });
    const send = (n: number): Promise<void> =>
      peer.publish(
        'wards/A3/refrigerator/r1/temperature',
        JSON.stringify({ ward: 'A3', sensor: `r${n}`, celsius: n % 2 === 0 ? 9.5 : 4.5 }),
      );
    for (let n = 0; n < 10; n++) await send(n);
    await vi.waitFor(async () => expect(await readdir(archive.path)).toHaveLength(10), {
      timeout: 15_000,
    });
    await one.stop();
    for (let n = 10; n < 20; n++) await send(n);
    await vi.waitFor(
      async () => {
        expect(await readdir(archive.path)).toHaveLength(20);
        expect(heard.heard).toHaveLength(10);
      },
      { timeout: 25_000 },
    );
    expect(isOpen(two)).toBe(true);
  },
);
