import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { readProduction } from '../../src/definition/read.ts';
import { testProduction } from '../../src/definition/test-production.ts';

const adapters = await allAdapters();

const PRODUCTIONS = join(import.meta.dirname, '../../productions');
const folders = (await readdir(PRODUCTIONS, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.for(folders)('the example %s has no problem but what its surroundings lack', async (name) => {
  const { definition, problems } = await readProduction(join(PRODUCTIONS, name), {
    adapters,
    environment: {},
  });
  const shown = problems.map(describeProblem);
  expect(
    shown.filter((line) => !/the file cannot be read|is not installed with this engine/.test(line)),
  ).toEqual([]);
  expect(definition?.name).toBe(name);
});

test.for(folders)('every case of the example %s passes', async (name) => {
  const report = await testProduction(join(PRODUCTIONS, name), { adapters, environment: {} });
  expect(report.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.failed, describeReport(report).join('\n')).toBe(0);
  expect(report.passed).toBeGreaterThan(0);
});

test('the overlay of the hub changes what it names', async () => {
  const folder = join(PRODUCTIONS, 'adt-hub');
  const { definition } = await readProduction(folder, {
    adapters,
    environment: {},
    overlays: ['prod'],
  });
  expect(definition?.settings.keep).toBe(30 * 86_400_000);
  expect(definition?.operations.get('registry')?.schedule).toBe('mon-fri 06:00-20:00');
});

test('HL7 over MLLP is tried for as long as it takes, unless an operation says otherwise', async () => {
  const { definition } = await readProduction(join(PRODUCTIONS, 'passthrough'), {
    adapters,
    environment: {},
  });
  expect(definition?.operations.get('hl7-out')?.retry).toEqual({
    every: 5_000,
    for: Number.POSITIVE_INFINITY,
    backoff: 1,
    max: 300_000,
    disconnected: Number.POSITIVE_INFINITY,
  });
});
