import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { commands } from '../src/cli/commands.ts';

const run = promisify(execFile);
const installed = await run('docker-compose', ['version']).then(
  () => true,
  () => false,
);

test.skipIf(!installed)('the compose file is valid, with and without the cluster', async () => {
  const plain = await run('docker-compose', ['config', '--services']);
  expect(plain.stdout.trim().split('\n').toSorted()).toEqual(['engine', 'hospital', 'nats']);
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

test('every engine command of the compose file is one that the command line has', async () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
    services: Record<string, { image: string; command?: string[] }>;
  };
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
