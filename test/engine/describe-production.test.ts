import { expect, test } from 'vitest';
import type { DescribedSetting } from '../../src/control/production-description.ts';
import { hostSettings } from '../../src/definition/grammar/host-settings.ts';
import { describeProduction } from '../../src/engine/describe-production.ts';
import { definitionOf } from '../support/production.ts';

const PRODUCTION = `production: p
services:
  in: { adapter: sample-in, to: [router, worker] }
processes:
  router: { rules: [{ name: all, send: ward }] }
  worker: { code: worker.ts, to: [ward], order: { by-key: 'field("PID-3.1")' } }
operations:
  ward:
    adapter: sample-out
    settings: { connect: ward:1 }
    retry: { every: 2s, disconnected: 30m }
    answersTo: worker
`;

async function ownSettings(): Promise<ReadonlyMap<string, readonly DescribedSetting[]>> {
  const definition = await definitionOf(PRODUCTION, {
    files: { 'worker.ts': 'export default async () => undefined;\n' },
  });
  return new Map(
    describeProduction(definition).hosts.map(({ name, settings }) => [
      name,
      settings.filter(({ of }) => of === 'host'),
    ]),
  );
}

const values = (settings: readonly DescribedSetting[] = []): Record<string, unknown> =>
  Object.fromEntries(settings.map(({ path, value }) => [path, value]));

test('every setting of a host is told, as written or with its default', async () => {
  const own = await ownSettings();
  expect(values(own.get('in'))).toEqual({ to: ['router', 'worker'], duplicates: 'once' });
  expect(values(own.get('ward'))).toEqual({
    pool: 1,
    order: 'fifo',
    'retry.every': '2s',
    'retry.for': 'forever',
    'retry.backoff': 1,
    'retry.max': '5m',
    'retry.disconnected': '30m',
    timeout: '1m',
    replies: {},
    answersTo: ['worker'],
    refusalsTo: [],
  });
  expect(values(own.get('worker'))).toMatchObject({
    code: 'worker.ts',
    run: 'queued',
    to: ['ward'],
    order: { byKey: 'field("PID-3.1")', partitions: 8 },
    whileWaiting: 'hold',
    'retry.disconnected': 'forever',
  });
});

test('an inline process has no settings of a queue', async () => {
  const own = await ownSettings();
  expect(values(own.get('router'))).toEqual({
    run: 'inline',
    validate: 'none',
    fhirVersion: 'R4',
    invalid: 'suspend',
  });
});

test('each setting says what it means, whether it was written and where', async () => {
  const own = (await ownSettings()).get('ward') ?? [];
  expect(own.find(({ path }) => path === 'retry.disconnected')).toMatchObject({
    written: true,
    place: { file: 'production.yaml', line: 11 },
    help: expect.stringContaining('waits for a connection'),
  });
  expect(own.find(({ path }) => path === 'timeout')).toMatchObject({
    written: false,
    help: hostSettings.operation['timeout']?.help,
  });
});
