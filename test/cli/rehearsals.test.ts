import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rehearsals } from '../../src/cli/rehearsals.ts';
import type { RehearsalRequest } from '../../src/definition/rehearsal.ts';
import { LoadedTables } from '../../src/lookup/loaded-tables.ts';
import { adt, WARD } from '../support/operator.ts';
import { type ProductionFolder, productionFolder } from '../support/production.ts';

const PRODUCTION = WARD.replace('    to: hl7-out\n', '    to: router\n').replace(
  'operations:',
  `processes:
  router:
    rules:
      - { name: everything, send: { to: hl7-out, transform: to-ward } }
transforms: { to-ward: to-ward.ts }
lookups: { wards: wards.csv }
operations:`,
);
/** A transform in code that does something with a message by its control id. */
const CODE = (what: string): string => `export default ({ document, lookup }) => {
  const id = document.get('MSH-10');
  ${what}
  document.set('PV1-3.1', lookup("wards", 'W1'));
  return document;
};
`;
const REQUEST: RehearsalRequest = {
  service: 'hl7-in',
  at: Date.UTC(2026, 0, 1),
  type: 'HL7v2:ADT_A01:2.5.1',
  name: undefined,
  charset: undefined,
};
const message = (id: string): Buffer => Buffer.from(adt(id));
const LIMITS = { each: 1_500, reading: 20_000, idle: 60_000, megabytes: 512 };

let folder: ProductionFolder;
const loaded = new LoadedTables();
beforeAll(async () => {
  folder = await productionFolder({
    'production.yaml': PRODUCTION,
    'to-ward.ts': CODE(''),
    'wards.csv': 'key,value\nW1,Surgery\n',
  });
});
afterAll(async () => folder[Symbol.asyncDispose]());

const opened = (limits = LIMITS) => {
  const room = rehearsals(
    () => ({
      folder: folder.path,
      overlays: [],
      environment: { LISTEN: '127.0.0.1:1', CONNECT: '127.0.0.1:2' },
      loaded: loaded.all(),
    }),
    limits,
  );
  return { ...room, [Symbol.asyncDispose]: () => room.stop() };
};

test('the files are read once for a run, and anew for one message alone', async () => {
  await folder.write({ 'wards.csv': 'key,value\nW1,Surgery\n' });
  await using room = opened();
  const first = await room.rehearse({ ...REQUEST, run: 'a' }, message('1'));
  expect(first.sent).toMatchObject([{ to: 'hl7-out', base64: undefined }]);
  expect(first.processes[0]?.places).toEqual([
    { what: 'rule', name: 'everything', file: 'production.yaml', line: 16, to: ['hl7-out'] },
    { what: 'transform', name: 'to-ward', file: 'to-ward.ts', line: 4, to: ['hl7-out'] },
    { what: 'lookup', name: 'wards', file: 'wards.csv', line: 1, to: ['hl7-out'] },
  ]);
  await folder.write({ 'wards.csv': 'key,value\nW1,Medicine\n' });
  const same = await room.rehearse({ ...REQUEST, run: 'a' }, message('1'));
  expect(same).toEqual(first);
  const alone = await room.rehearse(REQUEST, message('1'));
  expect(Buffer.from(alone.sent[0]?.base64 ?? '', 'base64').toString()).toContain('|Medicine^');
  expect(alone.version).not.toBe(first.version);
  const other = await room.rehearse({ ...REQUEST, run: 'b' }, message('1'));
  expect(other.sent[0]?.digest).toBe(alone.sent[0]?.digest);
});

test('rows of tables that the engine has loaded are those of the trial', async () => {
  const table =
    'doctors:\n    adapter: sql-lookup\n    settings: { product: sqlite, file: d.db, query: "SELECT a, b FROM c" }';
  await folder.write({
    'production.yaml': PRODUCTION.replace(
      '{ wards: wards.csv }',
      `\n  wards: wards.csv\n  ${table}`,
    ),
    'to-ward.ts': CODE("document.set('PV1-7.1', lookup('doctors', '7', 'nobody'));"),
  });
  await using before = opened();
  loaded.keepOnly(new Set());
  await expect(before.rehearse(REQUEST, message('1'))).resolves.toMatchObject({
    sent: [],
    processes: [{ error: { text: expect.stringContaining('has not been loaded yet') } }],
  });
  loaded.fill('doctors', { entries: new Map([['7', 'Roe']]), at: REQUEST.at, question: '' });
  const after = await before.rehearse(REQUEST, message('1'));
  expect(Buffer.from(after.sent[0]?.base64 ?? '', 'base64').toString()).toContain('|Roe');
  const doctors = after.processes[0]?.places.find(({ name }) => name === 'doctors');
  expect(doctors).toMatchObject({ what: 'lookup', file: 'production.yaml' });
  await folder.write({ 'production.yaml': PRODUCTION, 'to-ward.ts': CODE('') });
});

test('code that runs on and on, or takes all memory, ends there: this thread turns, and the next run is good', async () => {
  await folder.write({
    'to-ward.ts': CODE(
      `if (id === 'LOOP') for (;;);
    if (id === 'EAT') { const all = []; for (;;) all.push(new Array(100_000).fill(id)); }
    if (id === 'EXIT') process.exit(0);
    if (id === 'STILL') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);`,
    ),
  });
  await using room = opened();
  const turning = { on: true, turns: 0 };
  const turned = (async () => {
    for (; turning.on; turning.turns++) await sleep(10);
  })();
  for (const id of ['LOOP', 'EXIT'])
    await expect(room.rehearse({ ...REQUEST, run: 'a' }, message(id))).rejects.toMatchObject({
      code: 'REHEARSAL_STUCK',
      message: expect.stringMatching(/^what the files make of this message took/),
    });
  await using roomy = opened({ ...LIMITS, each: 60_000, megabytes: 96 });
  await expect(roomy.rehearse({ ...REQUEST, run: 'a' }, message('EAT'))).rejects.toMatchObject({
    code: 'REHEARSAL_STUCK',
    message: expect.stringContaining('too much memory'),
  });
  // a thread that waits for its turn takes no processor time
  const late = await room.rehearse({ ...REQUEST, run: 'a' }, message('STILL'));
  expect(late.sent).toHaveLength(1);
  turning.on = false;
  await turned;
  expect(turning.turns).toBeGreaterThan(50);
  const good = await room.rehearse({ ...REQUEST, run: 'a' }, message('1'));
  expect(good.sent).toHaveLength(1);
});

test('files that cannot be used are told with their place, until they are mended', async () => {
  await using room = opened();
  await folder.write({ 'production.yaml': PRODUCTION.replace('to: router', 'to: nowhere') });
  const broken = room.rehearse({ ...REQUEST, run: 'a' }, message('1'));
  await expect(broken).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('production.yaml:'),
  });
  await folder.write({ 'production.yaml': PRODUCTION });
  expect((await room.rehearse({ ...REQUEST, run: 'b' }, message('1'))).sent).toHaveLength(1);
});

test('a third run takes the place of one that nobody asks for, never of one at work; what is idle is forgotten', async () => {
  await folder.write({ 'to-ward.ts': CODE("if (id === 'LOOP') for (;;);") });
  await using room = opened({ ...LIMITS, each: 1_000, idle: 5_000 });
  const take = (run: string, id = '1') => room.rehearse({ ...REQUEST, run }, message(id));
  await take('a');
  await take('b');
  const busy = [take('a', 'LOOP'), take('b', 'LOOP')].map((one) => one.catch((error) => error));
  await expect(take('c')).rejects.toMatchObject({ code: 'REHEARSAL_BUSY', retryable: true });
  await Promise.all(busy);
  const version = (await take('c')).version;
  await folder.write({ 'wards.csv': 'key,value\nW1,Elsewhere\n' });
  expect((await take('c')).version).toBe(version);
  // the one pause that is meant: nothing else tells that a run was forgotten
  await sleep(5_500);
  expect((await take('c')).version).not.toBe(version);
});
