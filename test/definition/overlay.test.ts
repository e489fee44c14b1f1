import { expect, test } from 'vitest';
import { describeProblem } from '../../src/definition/problem.ts';
import { productionFolder } from '../support/production.ts';

const FILES = {
  'production.yaml': `production: p
include: hosts/*.yaml
settings: { keep: 2d, search: { mrn: PID-3.1 } }
operations:
  ward: { adapter: sample-out, settings: { connect: ward:1, user: a }, pool: 2, order: none }
`,
  'hosts/in.yaml': `services:
  in: { adapter: sample-in, to: [ward, lab] }
`,
  'hosts/lab.yaml': `operations:
  lab: { adapter: sample-out, settings: { connect: lab:1 } }
`,
  'overlays/prod.yaml': `settings: { keep: 30d }
services:
  in: { to: ward }
operations:
  ward:
    settings: { connect: ward.prod:2 }
    pool: ~
    order: ~
  lab: ~
`,
  'overlays/site.yaml': `operations:
  ward: { settings: { connect: ward.site:3 } }
`,
};

test('included files are part of the production', async () => {
  await using folder = await productionFolder(FILES);
  const { definition, problems } = await folder.read();
  expect(problems).toEqual([]);
  expect([...(definition?.operations.keys() ?? [])]).toEqual(['ward', 'lab']);
  expect(definition?.services.get('in')?.place).toEqual({
    file: 'hosts/in.yaml',
    line: 2,
    column: 3,
  });
  expect(definition?.files.map((file) => file.slice(folder.path.length + 1))).toEqual([
    'production.yaml',
    'hosts/in.yaml',
    'hosts/lab.yaml',
  ]);
});

test('an overlay merges blocks, replaces values and takes away what it sets to nothing', async () => {
  await using folder = await productionFolder(FILES);
  const { definition, problems } = await folder.read({ overlays: ['prod'] });
  expect(problems.map(describeProblem)).toEqual([]);
  expect(definition?.settings.keep).toBe(30 * 86_400_000);
  expect(definition?.settings.search.get('mrn')).toBe('PID-3.1');
  expect(definition?.services.get('in')?.to).toEqual(['ward']);
  expect([...(definition?.operations.keys() ?? [])]).toEqual(['ward']);
  expect(definition?.operations.get('ward')).toMatchObject({
    given: { connect: 'ward.prod:2', user: 'a' },
    pool: 1,
    order: 'fifo',
  });
});

test('of several overlays the last one wins, and every value knows its file', async () => {
  await using folder = await productionFolder(FILES);
  const { definition } = await folder.read({ overlays: ['prod', 'site'] });
  const place = (...keys: string[]) => definition?.placeOf(keys);
  expect(definition?.operations.get('ward')?.given).toEqual({ connect: 'ward.site:3', user: 'a' });
  expect(place('operations', 'ward', 'settings', 'connect')).toEqual({
    file: 'overlays/site.yaml',
    line: 2,
    column: 23,
  });
  expect(place('operations', 'ward', 'settings', 'user')).toMatchObject({
    file: 'production.yaml',
    line: 5,
  });
  expect(place('settings', 'keep')).toMatchObject({ file: 'overlays/prod.yaml', line: 1 });
  expect(place('settings', 'queueLimit')).toBeUndefined();
});

test('a problem in an overlay or an included file is reported there', async () => {
  await using folder = await productionFolder({
    ...FILES,
    'hosts/lab.yaml': FILES['hosts/lab.yaml'].replace('lab:1', 'lab'),
    'overlays/prod.yaml': 'operations:\n  ward: { timeout: 5 }\n',
  });
  const { problems } = await folder.read({ overlays: ['prod'] });
  expect(problems.map(describeProblem)).toEqual([
    'hosts/lab.yaml:2:52 operations.lab.settings.connect: must be an address such as lab.example:2575 or 0.0.0.0:2575.',
    'overlays/prod.yaml:2:20 operations.ward.timeout: must be a duration such as 250ms, 30s or 5m.',
  ]);
});

test('what two files define is reported', async () => {
  await using folder = await productionFolder({
    ...FILES,
    'hosts/lab.yaml': 'operations:\n  ward: { adapter: sample-out }\n',
  });
  const { problems } = await folder.read({ overlays: [] });
  expect(problems.map(describeProblem)).toContain(
    'hosts/lab.yaml:2:3 operations.ward: it is already defined in production.yaml, line 5. Keep one of the two; use an overlay to replace values.',
  );
});

test('an overlay or an included file that does not exist is named', async () => {
  await using folder = await productionFolder({
    ...FILES,
    'production.yaml': FILES['production.yaml'].replace('hosts/', 'host/'),
  });
  const { problems } = await folder.read({ overlays: ['prd'] });
  expect(problems.map(describeProblem)).toEqual([
    'production.yaml:1:1 there is no overlay prd. Did you mean prod?',
    "production.yaml:2:10 include: no file matches host/*.yaml. Patterns are relative to the production's folder: hosts/*.yaml.",
  ]);
});

test('a host that only an overlay names is taken for a slip of the pen', async () => {
  await using folder = await productionFolder({
    ...FILES,
    'overlays/prod.yaml': 'operations:\n  wrad: { settings: { connect: a:1 } }\n',
  });
  const { problems } = await folder.read({ overlays: ['prod'] });
  expect(problems.map(describeProblem)).toContain(
    'overlays/prod.yaml:2:3 operations.wrad: the production has no host of this name for the overlay to change. Did you mean ward?',
  );
});
