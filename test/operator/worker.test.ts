import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { startOperatorPlane } from '../../src/cli/operator-worker.ts';
import type { OperatorOrder } from '../../src/operator/worker.ts';
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
    {
      env: { ...process.env, LISTEN: `127.0.0.1:${listen}` },
      stdio: ['ignore', 'pipe', 'pipe'],
      // a process group of its own, as a terminal makes one
      detached: true,
    },
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

test('Ctrl-C at a terminal, which every process of the group hears, ends it in order', async () => {
  await using folder = await temporaryFolder('run');
  const { child, text } = waybillRun(folder.path, 'off', await freePort());
  await vi.waitFor(() => expect(text()).toContain('Ctrl-C stops.'), 15_000);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
  expect(text()).not.toContain('nats-restarted');
});

test('an operator plane whose thread fails is started again, and the process goes on', async () => {
  await using folder = await temporaryFolder('worker');
  const module = join(folder.path, 'worker.mjs');
  const times = join(folder.path, 'times');
  await writeFile(times, '');
  await writeFile(
    module,
    `import { appendFileSync, readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
appendFileSync(${JSON.stringify(times)}, 'x');
const count = readFileSync(${JSON.stringify(times)}, 'utf8').length;
parentPort.once('message', () => parentPort.close());
parentPort.postMessage({ kind: 'ready', url: 'http://here/' });
if (count === 1) setTimeout(() => { throw new Error('a defect'); }, 50);
`,
  );
  const failures: string[] = [];
  const operator = await startOperatorPlane({} as OperatorOrder, {
    module: pathToFileURL(module),
    onFailure: (reason) => failures.push(reason),
  });
  expect(operator).toMatchObject({ url: 'http://here/', isUp: true });
  await vi.waitFor(() => expect(operator.isUp).toBe(false), 5_000);
  await vi.waitFor(() => expect(operator.isUp).toBe(true), 5_000);
  expect(failures).toEqual(['Error (text withheld)']);
  await operator.stop();
  expect(await readFile(times, 'utf8')).toBe('xx');
});
