import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../sandbox/free-port.ts';
import { findNatsServer } from '../src/broker/embedded/nats-binary.ts';
import { commands } from '../src/cli/commands.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const run = promisify(execFile);
const installed = await run('docker-compose', ['version']).then(
  () => true,
  () => false,
);

test.skipIf(!installed)('the compose file is valid, with and without the cluster', async () => {
  const plain = await run('docker-compose', ['config', '--services']);
  expect(plain.stdout.trim().split('\n').toSorted()).toEqual([
    'engine',
    'hospital',
    'nats',
    'passwords',
  ]);
  const cluster = await run('docker-compose', ['--profile', 'cluster', 'config', '--services']);
  for (const name of [
    'nats-1',
    'nats-2',
    'nats-3',
    'engine-1',
    'engine-2',
    'postgres',
    'balancer',
  ]) {
    expect(cluster.stdout.split('\n')).toContain(name);
  }
});

interface Compose {
  readonly services: Record<
    string,
    {
      image: string;
      command?: string[];
      ports?: string[];
      environment?: Record<string, string>;
      depends_on?: Record<string, unknown>;
    }
  >;
  readonly configs: Record<string, { content: string }>;
}

const compose = (): Compose =>
  parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;

test('no port is open beyond this machine unless that is said, and no password stands in the file', () => {
  const { services } = compose();
  const ports = Object.values(services).flatMap((one) => one.ports ?? []);
  expect(ports.length).toBeGreaterThan(3);
  for (const port of ports) {
    expect(port).toMatch(/^(?:127\.0\.0\.1|\$\{WAYBILL_BIND:-127\.0\.0\.1\}):\d+:\d+$/);
  }
  const text = readFileSync('docker-compose.yml', 'utf8');
  expect(text).not.toMatch(/PASSWORD: /);
  for (const [, password] of text.matchAll(/:\/\/[\w-]+:([^@\s"]+)@/g)) {
    expect(password).toMatch(/^\$\$(?:\{file:|\(cat )/);
  }
});

for (const name of ['nats', 'nats-cluster']) {
  test(`${name} lets in who has the password that was made at the first start, and nobody else`, async () => {
    await using folder = await temporaryFolder('compose');
    const { services, configs } = compose();
    await mkdir(join(folder.path, 'passwords'));
    await mkdir(join(folder.path, 'etc/nats'), { recursive: true });
    const script = (services['passwords']?.command?.[0] ?? '')
      .replaceAll('$$', '$')
      .replaceAll('/passwords', join(folder.path, 'passwords'))
      // every node of the cluster is this one
      .replaceAll(/nats-\d:6222/g, '127.0.0.1:1')
      .replace('0.0.0.0:6222', `127.0.0.1:${await freePort()}`);
    await run('sh', ['-euc', script]);
    const file = join(folder.path, 'passwords/nats');
    const password = (await readFile(file, 'utf8')).trim();
    await run('sh', ['-euc', script]);
    expect((await readFile(file, 'utf8')).trim()).toBe(password);
    expect(password).toMatch(/^[\w-]{32}$/);

    const configuration = join(folder.path, 'etc/nats/waybill.conf');
    const text = (configs[name]?.content ?? '')
      .replace('http: 8222', '')
      .replace('"/data"', JSON.stringify(join(folder.path, 'data')));
    await writeFile(configuration, text);
    const port = await freePort();
    const words = ['-a', '127.0.0.1', '-p', String(port), '-n', 'one', '-c', configuration];
    const server = spawn(await findNatsServer(), words, { stdio: 'ignore' });
    try {
      const servers = `127.0.0.1:${port}`;
      await vi.waitFor(async () => {
        await (await connect({ servers, user: 'waybill', pass: password })).close();
      }, 10_000);
      await expect(connect({ servers })).rejects.toThrow(/Authorization/i);
      await expect(connect({ servers, user: 'waybill', pass: 'waybill' })).rejects.toThrow(
        /Authorization/i,
      );
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  });
}

test('whoever uses a password waits until it is made', () => {
  const { services } = compose();
  const before = (name: string): string[] =>
    Object.keys(services[name]?.depends_on ?? {}).flatMap((one) => [one, ...before(one)]);
  for (const name of ['nats', 'nats-2', 'engine', 'engine-2', 'operator', 'postgres']) {
    expect(before(name), name).toContain('passwords');
  }
});

test('every engine command of the compose file is one that the command line has', async () => {
  const { services } = compose();
  const known = new Map((await commands()).map((command) => [command.name(), command]));
  const ours = Object.values(services).filter(({ image }) => image === 'waybill');
  expect(ours.length).toBeGreaterThan(3);
  for (const { command = [] } of ours) {
    const [name = '', sub = ''] = command;
    const parent = known.get(name);
    expect(parent, name).toBeDefined();
    const target = parent?.commands.find((one) => one.name() === sub) ?? parent;
    const options = target?.options.map(({ long }) => long) ?? [];
    for (const word of command.filter((one) => one.startsWith('--'))) {
      expect(options, `${name} ${word}`).toContain(word);
    }
  }
});
