import { expect, test } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeDifference, productionDifference } from '../../src/definition/difference.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { type ReadProduction, readProduction } from '../../src/definition/read.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { LoadedTables } from '../../src/lookup/loaded-tables.ts';
import { productionFolder } from '../support/production.ts';

const adapters = await allAdapters();

const DOCTORS = `  doctors:
    adapter: sql-lookup
    every: 1m
    stale: 1d
    settings:
      product: sqlite
      file: doctors.db
      query: SELECT id, name FROM doctor
`;
const production = (lookups: string): Readonly<Record<string, string>> => ({
  'production.yaml': `production: lookups-of-mine
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:2599" }, to: [router] }
processes:
  router:
    rules:
      - { name: known, when: 'lookup("doctors", field("PV1-7.1"), "") != ""', send: { to: out, transform: named } }
      - otherwise: suspend
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:2598" } }
transforms: { named: named.yaml }
lookups:
  wards: wards.csv
${lookups}`,
  'named.yaml': `steps:\n  - { set: PV1-7.2, to: 'lookup("doctors", field("PV1-7.1"))' }\n  - { set: PV1-3, to: 'lookup("wards", field("PV1-3"), "?")' }\n`,
  'wards.csv': 'W1,NORTH\n',
});

async function read(
  lookups: string,
  loaded?: LoadedTables,
): Promise<ReadProduction & { shown: string[] }> {
  await using folder = await productionFolder(production(lookups));
  const found = await readProduction(folder.path, { adapters, environment: {}, loaded });
  return { ...found, shown: found.problems.map(describeProblem) };
}

test('a table is a file, or a block that says where it is loaded from', async () => {
  const loaded = new LoadedTables();
  const { definition, shown } = await read(DOCTORS, loaded);
  expect(shown).toEqual([]);
  expect(definition?.lookupSources.get('doctors')).toMatchObject({
    every: 60_000,
    adapter: { type: 'sql-lookup' },
    settings: { query: 'SELECT id, name FROM doctor', most: 50_000 },
  });
  expect(definition?.lookups.names).toEqual(['wards', 'doctors']);
  expect(definition?.lookups.lookup('wards', 'W1')).toBe('NORTH');
  expect(() => definition?.lookups.lookup('doctors', 'D1')).toThrow(/has not been loaded/);
  loaded.fill('doctors', { entries: new Map([['D1', 'Who']]), at: Date.now(), question: '' });
  expect(definition?.lookups.lookup('doctors', 'D1')).toBe('Who');
  loaded.fill('doctors', { entries: new Map(), at: Date.now() - 2 * 86_400_000, question: '' });
  expect(() => definition?.lookups.lookup('doctors', 'D1')).toThrow(/stale allows 1d/);
});

test.for([
  ['  doctors: { adapter: sql-lookp, settings: {} }', /there is no adapter sql-lookp.*sql-lookup/],
  ['  doctors: { adapter: sql-in, settings: {} }', /sql-in works the other way.*-lookup/],
  ['  doctors: { settings: {} }', /lookups\.doctors\.adapter.*is missing/],
  ['  doctors: { adapter: sql-lookup, evry: 1m }', /no such key.*every/],
  [
    '  doctors: { adapter: sql-lookup, settings: { product: sqlite, file: a.db, query: "SELECT 1, 2", qery: x } }',
    /qery/,
  ],
  [
    '  doctors: { adapter: sql-lookup, settings: { product: sqlite, query: "SELECT 1, 2" } }',
    /lookups\.doctors\.settings\.file.*is missing/,
  ],
  [
    '  doctors: { adapter: sql-lookup, settings: { product: mysql, connect: "db:1", database: d, credential: nobody, query: "SELECT 1, 2" } }',
    /nobody/,
  ],
] as const)('a mistake is told at its place: %s', async ([lookups, says]) => {
  const { definition, shown } = await read(`${lookups}\n`);
  expect(definition).toBeUndefined();
  expect(shown.join('\n')).toMatch(says);
});

test('for a test of one table no other has to be right', async () => {
  await using folder = await productionFolder(
    production(
      `${DOCTORS}  other: { adapter: sql-lookup, settings: { product: sqlite, file: "\${env:NOT_SET}", query: "SELECT 1, 2" } }\n`,
    ),
  );
  const found = await readProduction(folder.path, { adapters, environment: {}, host: 'doctors' });
  expect(found.problems).toEqual([]);
  expect([...(found.definition?.lookupSources.keys() ?? [])]).toEqual(['doctors']);
});

test('a change of what is asked for is shown, and restarts no host', async () => {
  const before = (await read(DOCTORS)).definition;
  const after = (await read(DOCTORS.replace('FROM doctor', 'FROM physician'))).definition;
  if (before === undefined || after === undefined) throw new Error('not read');
  const difference = productionDifference(before, after);
  expect(difference.restarts).toEqual([]);
  expect(describeDifference(difference)).toEqual([
    expect.stringMatching(/lookups\.doctors\.settings\.query: SELECT.*doctor → SELECT.*physician/),
  ]);
  expect(after.lookupSources.get('doctors')?.question).not.toBe(
    before.lookupSources.get('doctors')?.question,
  );
});

test('a case of a production test gives the rows; without them it says what is missing', async () => {
  const message = 'MSH|^~\\\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|1|P|2.5.1\\rPV1|1|I|W1||||D1\\r';
  await using folder = await productionFolder({
    ...production(DOCTORS),
    'production.test.yaml': `cases:
  - { name: given, text: "${message}", lookups: { doctors: { D1: Who } }, expect: { out: { fields: { PV1-7.2: Who, PV1-3: NORTH } } } }
  - { name: another, text: "${message}", lookups: { doctors: { D2: X } }, suspended: [router] }
  - { name: none, text: "${message}", expect: { out: {} } }
`,
  });
  const report = await testProduction(folder.path, { adapters, environment: {} });
  expect(report.cases.map(({ failures }) => failures.length === 0)).toEqual([true, true, false]);
  expect(describeReport(report).join('\n')).toMatch(/give its entries under lookups of the case/);
});
