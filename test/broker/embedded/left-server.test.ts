import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { findNatsServer } from '../../../src/broker/embedded/nats-binary.ts';
import { startNatsServer } from '../../../src/broker/embedded/nats-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test.skipIf(process.platform !== 'linux')(
  'a server that was left behind in the folder is ended, also one that its engine had no time to record',
  async () => {
    await using folder = await temporaryFolder();
    const data = folder.path;
    await writeFile(join(data, 'nats.conf'), `listen: "127.0.0.1:${await freePort()}"\n`);
    const left = spawn(await findNatsServer(), ['-c', join(data, 'nats.conf')], {
      stdio: 'ignore',
    });
    const ended = vi.fn<() => void>();
    left.once('exit', ended);
    await once(left, 'spawn');
    // a person who reads its configuration
    const reader = spawn('tail', ['-f', join(data, 'nats.conf')], { stdio: 'ignore' });
    try {
      await using server = await startNatsServer({ data });
      expect(server.pid).toBeDefined();
      await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
      expect(reader.exitCode ?? reader.signalCode).toBeNull();
    } finally {
      left.kill('SIGKILL');
      reader.kill('SIGKILL');
    }
  },
);
