import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
  90_000,
);
