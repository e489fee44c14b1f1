import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { mllpReceiver } from '../support/mllp-peers.ts';
import { mllpSender } from '../support/mllp-sender.ts';
import { adt, WARD } from '../support/operator.ts';
import { productionFolder } from '../support/production.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';

test.skipIf(!canMount)(
  'while the disk of NATS is full, by messages and then by others, what waits is sent, and it goes on once there is room',
  async () => {
    await using disk = await smallDisk(24);
    // what others have on it
    const old = join(disk.path, 'old');
    await writeFile(old, Buffer.alloc(6_000_000));
    await using folder = await productionFolder({ 'production.yaml': WARD });
    const [listen, to] = [await freePort(), await freePort()];
    await using running = await runProduction({
      folder: folder.path,
      data: join(disk.path, 'data'),
      durability: 'process-crash',
      log: silentLogger,
      environment: { LISTEN: `127.0.0.1:${listen}`, CONNECT: `127.0.0.1:${to}` },
    });
    const told = async (event: string): Promise<boolean> =>
      (await running.metrics.text()).includes(`event="${event}"`);
    await using sender = await mllpSender(listen);
    let accepted = 0;
    let sent = 0;
    const take = async (size: number): Promise<boolean> => {
      sender.send(`${adt(`M${++sent}`)}NTE|1||${'x'.repeat(size)}\r`);
      await sender.answered(sent);
      const isTaken = sender.codes().at(-1)?.startsWith('AA') === true;
      if (isTaken) accepted++;
      return isTaken;
    };
    // to the brim
    for (let refused = 0; refused < 5; ) {
      if (await take(200_000)) continue;
      refused++;
      await sleep(100);
    }
    expect(accepted).toBeGreaterThan(20);
    expect(await told('disk-full')).toBe(true);
    // others take the rest, and nobody makes room
    await expect(writeFile(join(disk.path, 'more'), Buffer.alloc(24_000_000))).rejects.toThrow(
      'ENOSPC',
    );
    await using receiver = await mllpReceiver(undefined, to);
    await vi.waitFor(() => expect(receiver.received.length).toBe(accepted), 30_000);
    expect(await take(0)).toBe(false);
    await rm(old);
    await vi.waitFor(async () => expect(await take(0)).toBe(true), 30_000);
    expect(await told('disk-has-room')).toBe(true);
    await vi.waitFor(() => expect(receiver.received.length).toBe(accepted), 30_000);
  },
);

const UPLOADS = WARD.replace(
  'operations:',
  "  web:\n    adapter: http-in\n    settings: { listen: '${env:WEB}' }\n    to: hl7-out\noperations:",
);

test.skipIf(!canMount)(
  'a body that is larger than the room on the disk of NATS is refused before it has filled it',
  async () => {
    await using disk = await smallDisk(24);
    await using folder = await productionFolder({ 'production.yaml': UPLOADS });
    const [listen, to, web] = [await freePort(), await freePort(), await freePort()];
    await using _ = await runProduction({
      folder: folder.path,
      data: join(disk.path, 'data'),
      durability: 'process-crash',
      log: silentLogger,
      environment: {
        LISTEN: `127.0.0.1:${listen}`,
        CONNECT: `127.0.0.1:${to}`,
        WEB: `127.0.0.1:${web}`,
      },
    });
    let least = Number.POSITIVE_INFINITY;
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < 60; sent++) {
        yield randomBytes(1_000_000);
        const { bavail, bsize } = await statfs(disk.path);
        least = Math.min(least, bavail * bsize);
      }
    };
    const url = `http://127.0.0.1:${web}/`;
    const refused = await request(url, { method: 'POST', body: Readable.from(body()) }).catch(
      () => undefined,
    );
    expect(refused?.statusCode ?? 503).toBe(503);
    expect(least).toBeGreaterThan(1_000_000);
    await using sender = await mllpSender(listen);
    sender.send(`${adt('M1')}NTE|1||${'x'.repeat(30_000_000)}\r`);
    await sender.answered(1);
    expect(sender.codes()[0]).not.toMatch(/^AA/);
    await vi.waitFor(async () => {
      sender.send(adt('M2'));
      await vi.waitFor(() => expect(sender.codes().at(-1)).toMatch(/^AA/));
    });
  },
);
