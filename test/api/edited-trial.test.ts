import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Draft, DraftView, Files } from '../../src/api/contract/files.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import type { Rehearsal, Rehearsals } from '../../src/api/contract/rehearsal.ts';
import { withMore } from '../../src/operator/rehearse-all.ts';
import { GOOD_TABLE, LOOKUP_FILES, LOOKUP_PRODUCTION, TO_WARD } from '../support/bad-lookup.ts';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

const COUNT = 8;
let production: Operated;
const who = signedInAs();

/** Files that nobody has saved, tried on messages that really came. */
beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: LOOKUP_PRODUCTION,
    files: { ...LOOKUP_FILES, 'loop.ts': 'export default () => {\n  for (;;);\n};\n' },
    console: { signIn: who.plugin },
  });
  for (let n = 0; n < COUNT; n++)
    await production.send(`C${n}`, n < 2 ? { name: 'Visitor^V' } : {});
  await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['completed'],
      target: 'hl7-out',
    });
    if (body.items.length !== COUNT - 2) throw new Error('not all of them have arrived');
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

const criteria = { source: 'hl7-in' };
const edit = (path: string, text: string) => ({ edits: [{ path, text }] });

/** All parts of a trial as one. */
async function tryAll(files: object) {
  const ask = (body: object) =>
    production.ask<Rehearsals>('POST', '/api/v1/rehearsals', { ...body, ...files });
  let { status, body } = await ask({ criteria, originals: true });
  while (status === 200 && body.next !== undefined && !body.stuck) {
    const { list, run, next: after } = body;
    const more = await ask({ list, run, after });
    status = more.status;
    const groups = [...withMore(body.groups, more.body.groups)] as Rehearsals['groups'];
    body = { ...more.body, groups, done: body.done + more.body.done };
  }
  return { status, body };
}

test('what a service took in is compared as a whole: with the files as they are, all of it is the same', async () => {
  const { status, body } = await tryAll({});
  expect(status).toBe(200);
  expect(body).toMatchObject({ total: COUNT, done: COUNT });
  expect(body.groups).toMatchObject([
    { kind: 'goes', whole: 'same', went: ['hl7-out'], count: COUNT - 2 },
    { kind: 'nowhere', whole: 'same', went: [], count: 2 },
  ]);
});

test('edits that nobody has saved are tried; nothing is written, sent or changed in what runs', async () => {
  const before = production.receiver.received.length;
  const table = await tryAll(edit('wards.csv', GOOD_TABLE));
  expect(table.body.groups).toMatchObject([
    { kind: 'goes', whole: 'changed', to: ['hl7-out'], count: COUNT - 2 },
    { kind: 'nowhere', whole: 'same', count: 2 },
  ]);
  const rule = LOOKUP_PRODUCTION.replace('== "Visitor"', '!= "Visitor"');
  const other = await tryAll(edit('production.yaml', rule));
  expect(other.body.groups).toMatchObject([
    { kind: 'nowhere', whole: 'elsewhere', went: ['hl7-out'], count: COUNT - 2 },
    { kind: 'goes', whole: 'elsewhere', went: [], to: ['hl7-out'], count: 2 },
  ]);
  const [first] = table.body.groups;
  const one = await production.ask<Rehearsal>(
    'POST',
    `/api/v1/messages/${first?.original}/rehearsal`,
    edit('wards.csv', GOOD_TABLE),
  );
  expect(one.body.targets).toMatchObject([{ to: 'hl7-out', change: 'changed' }]);
  expect(JSON.stringify(one.body.targets[0]?.fields)).toContain('Surgery');
  const plain = await production.ask<Rehearsal>(
    'POST',
    `/api/v1/messages/${first?.original}/rehearsal`,
  );
  expect(plain.body.targets).toMatchObject([{ to: 'hl7-out', change: 'same' }]);
  expect(production.receiver.received).toHaveLength(before);
  const disk = await readFile(join(production.folder.path, 'wards.csv'), 'utf8');
  expect(disk).toBe(LOOKUP_FILES['wards.csv']);
});

test('edits that cannot be read, or are of what nobody may edit, are refused with their place', async () => {
  const broken = await tryAll(edit('to-ward.yaml', `${TO_WARD}  - { sett: PV1-2 }\n`));
  expect(broken).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
  expect(JSON.stringify(broken.body)).toContain('to-ward.yaml:5');
  expect(JSON.stringify(broken.body)).not.toContain('waybill-staged');
  for (const path of ['../elsewhere.yaml', 'code.ts', 'node_modules/x.yaml'])
    expect((await tryAll(edit(path, 'a: 1\n'))).status).toBe(422);
  expect((await tryAll({ edits: [] })).status).toBe(400);
  expect((await tryAll({ draft: 4711 })).status).toBe(404);
});

test('an edit that leads into an endless loop ends there, one that could hardly end is refused; messages go on', async () => {
  const list = '["a","b","c","d"]';
  const nested = `${list}.map(a, ${list}.map(b, ${list}.map(c, field("PV1-3.1"))))`;
  const step = `  - { set: PV1-3.2, to: 'string(size(${nested}))' }\n`;
  const refused = await tryAll(edit('to-ward.yaml', `${TO_WARD}${step}`));
  expect(refused).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
  const main = LOOKUP_PRODUCTION.replace('to-ward: to-ward.yaml', 'to-ward: loop.ts');
  const looping = tryAll(edit('production.yaml', main));
  await production.send('MEANWHILE');
  const { body } = await looping;
  expect(body.stuck).toBe(true);
  expect(body.groups).toContainEqual(
    expect.objectContaining({ kind: 'untried', code: 'REHEARSAL_STUCK', count: 1 }),
  );
  const good = await tryAll(edit('wards.csv', GOOD_TABLE));
  expect(good.status).toBe(200);
});

test('only those who may propose such a change may try it', async () => {
  const permissions = new Set(ANN.permissions);
  permissions.delete('config.edit');
  who.principal = { ...ANN, name: 'bob', permissions };
  expect((await tryAll(edit('wards.csv', GOOD_TABLE))).status).toBe(403);
  expect((await tryAll({})).status).toBe(200);
  who.principal = ANN;
});

test('who decides on a proposal sees what its author saw, of exactly these files', async () => {
  const { body: disk } = await production.ask<Files>('GET', '/api/v1/production/files');
  const was = disk.files.find(({ path }) => path === 'wards.csv')?.hash;
  const change = { edits: [{ path: 'wards.csv', text: GOOD_TABLE, was }] };
  const { body } = await tryAll(change);
  const propose = async (order: object): Promise<DraftView> => {
    const made = await production.ask<Draft>('POST', '/api/v1/production/drafts', {
      ...change,
      reason: 'W1 is missing',
      ...order,
    });
    expect(made.status).toBe(200);
    const seen = await production.ask<DraftView>(
      'GET',
      `/api/v1/production/drafts/${made.body.id}`,
    );
    return seen.body;
  };
  const seen = await propose({ trial: body.run });
  expect(seen.trial).toMatchObject({ by: ANN.name, total: body.total, done: body.total });
  expect(seen.trial?.groups[0]).toMatchObject({ kind: 'goes', whole: 'changed' });
  expect((await propose({})).trial).toBeUndefined();
  expect((await propose({ trial: 'made up' })).trial).toBeUndefined();
  const others = [{ path: 'wards.csv', text: `${GOOD_TABLE}W2,Other\n`, was }];
  expect((await propose({ trial: body.run, edits: others })).trial).toBeUndefined();
  const again = await tryAll({ draft: seen.id });
  expect(again.body.groups[0]).toMatchObject({ kind: 'goes', whole: 'changed' });
});
