import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { findNatsServer } from '../../src/broker/embedded/nats-binary.ts';
import { statusCommand } from '../../src/cli/command/operate.ts';
import { accessOf } from '../../src/cli/connect.ts';
import { metaPlace } from '../../src/cli/meta-place.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { filledUrl, shownPasswords } from '../../src/cli/secret-url.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { ran } from '../support/command.ts';
import { WARD } from '../support/operator.ts';
import { productionFolder } from '../support/production.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ODD = 'p@ss/w:rd#1,%';

test('a password stands in a file or in the environment, whatever its characters are', async () => {
  await using folder = await temporaryFolder('url');
  const file = join(folder.path, 'password');
  await writeFile(file, `${ODD}\n`);
  vi.stubEnv('NATS_PASSWORD', ODD);
  vi.stubEnv('DB', 'db.example:5433');
  for (const part of [`\${file:${file}}`, '${env:NATS_PASSWORD}']) {
    const url = filledUrl('nats', `nats://waybill:${part}@a:4222,nats://waybill:${part}@b:4222`);
    expect(accessOf(url)).toEqual({
      url: 'nats://a:4222,nats://b:4222',
      user: 'waybill',
      password: ODD,
    });
  }
  const place = metaPlace({
    data: folder.path,
    trace: `postgres://waybill:\${file:${file}}@\${env:DB}/waybill`,
    production: 'hub',
  });
  const { host, password } = new URL(place.shared?.url ?? '');
  expect([host, decodeURIComponent(password)]).toEqual(['db.example:5433', ODD]);
  vi.stubEnv('WHOLE', 'postgres://u:p@h/d');
  expect(filledUrl('trace', '${env:WHOLE}')).toBe('postgres://u:p@h/d');
  vi.unstubAllEnvs();
});

test('what is missing is said by its name, and what is no address is not repeated', () => {
  expect(() => filledUrl('nats', 'nats://u:${env:NO_SUCH}@h')).toThrow(/WAYBILL_NATS.*NO_SUCH/);
  expect(() => filledUrl('trace', 'postgres://u:${file:/none/such}@h/d')).toThrow(
    /WAYBILL_TRACE.*\/none\/such.*ENOENT/,
  );
  for (const broken of ['nats://u:se/cret@h', 'secret', '', 'nats://u:secret@h:port']) {
    let told = '';
    try {
      filledUrl('nats', broken);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told, broken).toMatch(/is not an address/);
    expect(told).not.toMatch(/secret|se\/cret/);
  }
});

test('a password on the command line is said to be seen by all, and not shown once more', () => {
  const told = shownPasswords([
    'run',
    'hub',
    '--nats',
    'nats://u:hunter2@h',
    '--trace=postgres://u:p@h/d',
  ]);
  expect(told).toHaveLength(2);
  expect(told.join()).toContain('WAYBILL_NATS');
  expect(told.join()).not.toContain('hunter2');
  const hidden = [
    'nats://h:4222',
    'nats://u@h:4222',
    'nats://u:${env:P}@h',
    'nats://u:${file:/a/b}@h:1',
  ];
  for (const url of hidden) expect(shownPasswords(['--nats', url]), url).toEqual([]);
});

test('NATS that asks nobody who they are is an event; the address comes from the environment', async () => {
  await using folder = await productionFolder({ 'production.yaml': WARD });
  const port = await freePort();
  const words = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder.path, 'js')];
  const server = spawn(await findNatsServer(), words, { stdio: 'ignore' });
  try {
    while (!(await answers(port))) await sleep(20);
    const lines: string[] = [];
    const log = rootLogger('warn', { write: (line: string) => lines.push(line) });
    await using running = await runProduction({
      folder: folder.path,
      data: join(folder.path, 'data'),
      nats: { url: `nats://127.0.0.1:${port}` },
      log,
      environment: {
        LISTEN: `127.0.0.1:${await freePort()}`,
        CONNECT: `127.0.0.1:${await freePort()}`,
      },
    });
    expect(lines.filter((line) => line.includes('nats-open'))).toHaveLength(1);
    vi.stubEnv('WAYBILL_NATS', `nats://127.0.0.1:${port}`);
    const { output, code } = await ran(statusCommand(), []);
    expect(code).toBe(0);
    expect(output).toContain('hl7-in');
    expect(running.definition.name).toBe('ward');
  } finally {
    vi.unstubAllEnvs();
    server.kill();
    await once(server, 'exit');
  }
});

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'data');
    return true;
  } catch {
    // not up yet
    return false;
  } finally {
    socket.destroy();
  }
}
