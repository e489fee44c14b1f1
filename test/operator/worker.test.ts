import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../src/sandbox/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Said {
  readonly child: ChildProcess;
  readonly text: () => string;
}

function waybillRun(data: string, consoleAt: string, listen: number): Said {
  const child = spawn(
    process.execPath,
    [
      '--conditions=waybill-source',
      'src/main.ts',
      'run',
      'productions/passthrough',
      '--data',
      data,
      '--durability',
      'process-crash',
      '--metrics',
      'off',
      '--log-level',
      'error',
      '--console',
      consoleAt,
    ],
    { env: { ...process.env, LISTEN: `127.0.0.1:${listen}` }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return { child, text: () => said };
}

test('waybill run says where the console is, and it answers from its own thread', async () => {
  await using folder = await temporaryFolder('run');
  const { child, text } = waybillRun(folder.path, '127.0.0.1:0', await freePort());
  const url = await vi.waitFor(() => {
    const found = /console: (\S+)/.exec(text())?.[1];
    if (found === undefined) throw new Error(text());
    return found;
  }, 15_000);
  expect((await fetch(new URL('/health/ready', url))).status).toBe(200);
  expect((await fetch(new URL('/api/v1/hosts', url))).status).toBe(200);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
});
