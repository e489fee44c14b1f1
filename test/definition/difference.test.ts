import { expect, test } from 'vitest';
import httpIn from '../../adapters/http/http-in.ts';
import tcpIn from '../../adapters/tcp/tcp-in.ts';
import {
  describeDifference,
  isUnchanged,
  productionDifference,
} from '../../src/definition/difference.ts';
import { productionFolder, sampleIn, sampleOut } from '../support/production.ts';

const adapters = [sampleIn, sampleOut, httpIn, tcpIn];

const BASE = `production: p
settings: { keep: 1d }
credentials:
  account: { kind: basic, user: a, password: "\${secret:password}" }
services:
  in: { adapter: sample-in, to: router }
processes:
  router:
    rules:
      - { name: first, when: 'type == "ADT_A01"', send: { to: ward, transform: t } }
      - { name: second, send: ward }
  worker: { code: worker.ts, run: queued, to: [ward] }
operations:
  ward: { adapter: sample-out, settings: { connect: ward:1, credential: account } }
  lab: { adapter: sample-out, settings: { connect: lab:1 } }
transforms: { t: t.yaml }
lookups: { wards: wards.csv }
`;
const FILES = {
  'production.yaml': BASE,
  't.yaml': 'steps: [{ set: MSH-3, to: \'lookup("wards", "a")\' }]\n',
  'wards.csv': 'key,value\na,b\n',
  'worker.ts': 'export default async () => undefined;\n',
};

async function changedBy(
  files: Readonly<Record<string, string>>,
  { password = 'one', from = {} }: { password?: string; from?: Record<string, string> } = {},
): Promise<ReturnType<typeof productionDifference>> {
  await using folder = await productionFolder({ ...FILES, ...from });
  const before = await folder.read({ adapters, assume: true, secrets: () => 'one' });
  await folder.write(files);
  const after = await folder.read({ adapters, assume: true, secrets: () => password });
  if (before.definition === undefined || after.definition === undefined) {
    throw new Error(JSON.stringify([before.problems, after.problems]));
  }
  return productionDifference(before.definition, after.definition);
}
const production = (from: string, to: string): Record<string, string> => {
  if (!BASE.includes(from)) throw new Error(`${from} is not in the production`);
  return { 'production.yaml': BASE.replace(from, to) };
};

test('two readings of the same files do not differ', async () => {
  const difference = await changedBy({});
  expect(isUnchanged(difference)).toBe(true);
  expect(difference).toEqual({ hosts: [], production: [], restarts: [] });
});

test('a changed setting is shown with both values, and restarts its host alone', async () => {
  const difference = await changedBy(production('connect: lab:1', 'connect: lab:2'));
  expect(difference.restarts).toEqual(['lab']);
  expect(describeDifference(difference)).toEqual([
    '~ operation lab (restarts)',
    '    settings.connect: lab:1 → lab:2',
  ]);
});

test('a key that is new or taken away is shown as such', async () => {
  const difference = await changedBy(
    production(
      'settings: { connect: lab:1 }',
      'settings: { connect: lab:1 }, pool: 2, order: none',
    ),
  );
  expect(describeDifference(difference)).toEqual([
    '~ operation lab (restarts)',
    '    pool: 2 (new)',
    '    order: none (new)',
  ]);
});

test('a host may be added, removed, or become another kind of host', async () => {
  const difference = await changedBy(
    production(
      '  lab: { adapter: sample-out, settings: { connect: lab:1 } }',
      '  new: { adapter: sample-out, settings: { connect: n:1 } }',
    ),
  );
  expect(describeDifference(difference)).toEqual(['- operation lab', '+ operation new']);
  expect(difference.restarts).toEqual(['lab', 'new']);
});

test('a rule is compared by its name and needs no restart', async () => {
  const difference = await changedBy(
    production(
      '      - { name: second, send: ward }',
      '      - { name: between, when: has("PID"), send: lab }\n      - { name: second, send: lab }',
    ),
  );
  expect(difference.restarts).toEqual([]);
  expect(describeDifference(difference)).toEqual([
    '~ process router',
    '    rules.second.send: ward → lab',
    '    rules.between: {"name":"between","when":"has(\\"PID\\")","send":"lab"} (new)',
  ]);
});

test('another order of rules is a change', async () => {
  const difference = await changedBy(
    production(
      `      - { name: first, when: 'type == "ADT_A01"', send: { to: ward, transform: t } }
      - { name: second, send: ward }`,
      `      - { name: second, when: has("PID"), send: ward }
      - { name: first, when: 'type == "ADT_A01"', send: { to: ward, transform: t } }`,
    ),
  );
  expect(describeDifference(difference)).toContain(
    '    rules.order: first, second → second, first',
  );
});

test('a comment needs no restart', async () => {
  const difference = await changedBy(
    production('connect: lab:1 }', 'connect: lab:1 }, comment: x'),
  );
  expect(difference.restarts).toEqual([]);
  expect(isUnchanged(difference)).toBe(false);
});

test('another secret restarts the hosts that sign in with it, and is not shown', async () => {
  const difference = await changedBy({}, { password: 'hush-hush' });
  expect(difference.restarts).toEqual(['ward']);
  expect(describeDifference(difference)).toEqual([
    '~ credentials.account: ••• → •••, another value',
    '~ operation ward (restarts)',
  ]);
  expect(JSON.stringify(difference)).not.toContain('hush-hush');
});

test('changed code restarts its process; changed transforms and lookups are only read anew', async () => {
  const difference = await changedBy({
    'worker.ts': 'export default async () => undefined; // changed\n',
    't.yaml': `${FILES['t.yaml']}# changed\n`,
    'wards.csv': 'key,value\na,c\n',
  });
  expect(difference.restarts).toEqual(['worker']);
  expect(describeDifference(difference)).toEqual([
    '~ transforms.t: as it was → changed',
    '~ lookups.wards: as it was → changed',
    '~ process worker (restarts)',
    '    code: as it was → changed',
  ]);
});

test('a code table or profile that the settings of an adapter name restarts their host', async () => {
  const files = {
    'production.yaml': BASE.replace(
      'connect: lab:1 }',
      `connect: lab:1, name: '{lookup("wards", type)}' }`,
    )
      .replace(
        'adapter: sample-in,',
        'adapter: tcp-in, settings: { listen: "a:1", answer: stored, acknowledge: guide, profile: report },',
      )
      .concat('profiles: { report: report.yaml }\n'),
    'report.yaml': 'edifact: MEDRPT\nelements: { BGM-1: { codes: [LRP] } }\n',
  };
  const restarted = async (changed: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    (await changedBy(changed, { from: files })).restarts;
  expect(await restarted({ 't.yaml': `${FILES['t.yaml']}# changed\n` })).toEqual([]);
  expect(await restarted({ 'wards.csv': 'key,value\na,c\n' })).toEqual(['lab']);
  expect(await restarted({ 'report.yaml': `${files['report.yaml']}# changed\n` })).toEqual(['in']);
  const named = {
    ...files,
    'report.yaml': 'edifact: MEDRPT\nelements: { NAD-2.1: { lookup: wards } }\n',
  };
  const { restarts } = await changedBy({ 'wards.csv': 'key,value\na,c\n' }, { from: named });
  expect(restarts.toSorted()).toEqual(['in', 'lab']);
  // the same name for another file
  const moved = files['production.yaml'].replace('wards.csv', 'others.csv');
  expect(await restarted({ 'production.yaml': moved, 'others.csv': 'key,value\n' })).toEqual([
    'lab',
  ]);
});

test('a service whose users are in a code table restarts when somebody is taken out of it', async () => {
  const users = 'signIn: { users: staff, key: key }';
  const from = {
    'production.yaml': BASE.replace(
      'adapter: sample-in,',
      `adapter: http-in, settings: { listen: "a:1", ${users} },`,
    )
      .replace('lookups: {', 'lookups: { staff: staff.csv,')
      .replace('credentials:', 'credentials:\n  key: { kind: jwt-key, privateKey: key.pem }'),
    'staff.csv': 'anna,x\nbert,y\n',
  };
  expect((await changedBy({ 'staff.csv': 'anna,x\n' }, { from })).restarts).toEqual(['in']);
});

test('the duplicate window restarts the services, which accept by it; other settings restart nothing', async () => {
  expect((await changedBy(production('keep: 1d', 'keep: 2d'))).restarts).toEqual([]);
  const difference = await changedBy(production('keep: 1d', 'keep: 1d, duplicateWindow: 1m'));
  expect(difference.restarts).toEqual(['in']);
  expect(difference.production).toEqual([
    { path: 'settings.duplicateWindow', before: undefined, after: '1m' },
  ]);
});
