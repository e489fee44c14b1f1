import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { engineFigures, serveFigures } from '../../src/cli/figures-server.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { waybill } from '../support/engine-process.ts';
import { productionFolder } from '../support/production.ts';

const PRODUCTION = `production: watched
services:
  in: { adapter: file-in, settings: { folder: . , pattern: 'none-*' }, to: out }
operations:
  out: { adapter: file-out, settings: { folder: ., name: '{id}' } }
`;

test('a NATS that stands still is told of in time, and a scrape goes without what it knows', async () => {
  await using folder = await productionFolder({ 'production.yaml': PRODUCTION });
  const data = join(folder.path, 'data');
  await using running = await runProduction({
    folder: folder.path,
    data,
    durability: 'process-crash',
    log: silentLogger,
  });
  const at = { host: '127.0.0.1', port: await freePort() };
  const figures = await serveFigures(at, engineFigures(running), silentLogger);
  const ask = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${at.port}${path}`, { method, signal: AbortSignal.timeout(9_000) });
  const { pid } = JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as { pid: number };
  try {
    expect((await ask('/health/ready', 'HEAD')).status).toBe(200);
    expect((await ask('/health/ready', 'POST')).status).toBe(405);
    expect(await (await ask('/metrics')).text()).toMatch(
      /^waybill_queue_depth\{.*host="out"\} 0$/m,
    );
    process.kill(pid, 'SIGSTOP');
    const isStopped = async () => / T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
    await vi.waitUntil(isStopped, { interval: 5 });
    const [ready, scraped] = await Promise.all([ask('/health/ready'), ask('/metrics')]);
    expect([ready.status, await ready.text()]).toEqual([503, 'NATS is not reachable\n']);
    const text = await scraped.text();
    expect(text).toMatch(/^waybill_host_up\{.*host="out"\} 1$/m);
    expect(text).not.toMatch(/^waybill_queue_depth\{/m);
  } finally {
    process.kill(pid, 'SIGCONT');
    await vi.waitFor(async () => expect((await ask('/health/ready')).status).toBe(200));
    await figures?.close();
  }
});

test('a data folder that cannot be made says what to do, and one of a failed start is free', async () => {
  await using folder = await productionFolder({
    'production.yaml': PRODUCTION.replace('file-out', 'file-none'),
    taken: '',
  });
  const run = (data: string) =>
    waybill(
      'run',
      folder.path,
      '--data',
      join(folder.path, data),
      '--console',
      'off',
      '--metrics',
      'off',
    );
  const [{ stderr, code }, broken] = await Promise.all([run('taken/data'), run('data')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^CONFIG_INVALID: the folder \S+ for Waybill's own files cannot be made/);
  expect(stderr).not.toContain('Trying again');
  expect(broken.stderr).toMatch(/there is no adapter file-none/);
  await expect(readFile(join(folder.path, 'data/operator.lock'))).rejects.toThrow('ENOENT');
});
