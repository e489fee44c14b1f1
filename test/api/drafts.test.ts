import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { sharedKey } from '../../src/access/sign-in/console-guard.ts';
import { factorSeal } from '../../src/access/sign-in/factor/factor-seal.ts';
import type {
  ChangedReport,
  CheckReport,
  Draft,
  Drafts,
  DraftView,
  Files,
  FileText,
  History,
} from '../../src/api/contract/files.ts';
import { draftStore, sealDrafts } from '../../src/operator/draft-store.ts';
import { GOOD_TABLE, LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

const PASSWORD = 'a lantern by the ward';
const PATH = '/api/v1/production';

let production: Operated;
let eva: Visitor;
let otto: Visitor;
let vera: Visitor;

beforeAll(async () => {
  production = await operated({
    administrator: false,
    production: LOOKUP_PRODUCTION.replace(
      'settings:\n',
      'alerts: { to: hl7-out }\nsettings:\n  approval: required\n',
    ),
    files: LOOKUP_FILES,
  });
  const data = join(production.folder.path, 'data');
  const signedIn = async (name: string, roles: string[], scope = ['*']): Promise<Visitor> => {
    await addLocalUser(data, { name, password: PASSWORD, roles, scope });
    const one = visitor(production.url);
    expect((await one.signIn(name, PASSWORD)).status).toBe(200);
    return one;
  };
  eva = await signedIn('eva', ['engineer']);
  otto = await signedIn('otto', ['engineer']);
  vera = await signedIn('vera', ['operator']);
});
afterAll(async () => production[Symbol.asyncDispose]());

async function hashOf(path: string): Promise<string | undefined> {
  const { body } = await eva.ask<Files>('GET', `${PATH}/files`);
  return body.files.find((one) => one.path === path)?.hash;
}

const table = (): Promise<string> => readFile(join(production.folder.path, 'wards.csv'), 'utf8');

async function proposed(text = GOOD_TABLE): Promise<number> {
  const edits = [{ path: 'wards.csv', text, was: await hashOf('wards.csv') }];
  const made = await eva.ask<Draft>('POST', `${PATH}/drafts`, { edits, reason: 'W1 is missing' });
  expect(made.status).toBe(200);
  return made.body.id;
}

test('an edit is checked without being written, with the place of each mistake', async () => {
  const { body } = await eva.ask<CheckReport>('POST', `${PATH}/files/check`, {
    edits: [{ path: 'wards.csv', text: 'key,value\nW1\n' }],
  });
  expect(body.problems).toMatchObject([{ file: 'wards.csv', line: 2, severity: 'error' }]);
  const good = await eva.ask<CheckReport>('POST', `${PATH}/files/check`, {
    edits: [{ path: 'wards.csv', text: GOOD_TABLE }],
  });
  expect(good.body).toMatchObject({ problems: [], production: [{ path: 'lookups.wards' }] });
  expect(await table()).toBe(LOOKUP_FILES['wards.csv']);
});

test('what somebody proposes is applied by somebody else, once, and named with both', async () => {
  const id = await proposed();
  const own = await eva.ask('POST', `${PATH}/drafts/${id}/apply`, {});
  expect(own.status).toBe(403);
  expect(await table()).toBe(LOOKUP_FILES['wards.csv']);
  const seen = await otto.ask<DraftView>('GET', `${PATH}/drafts/${id}`);
  expect(seen.body).toMatchObject({ by: 'eva', state: 'open', check: { problems: [] } });
  expect(seen.body.files[0]?.lines.map(({ change, text }) => [change, text])).toContainEqual([
    'added',
    'W1,Surgery',
  ]);
  const both = await Promise.all(
    [otto, otto].map((one) => one.ask<ChangedReport>('POST', `${PATH}/drafts/${id}/apply`, {})),
  );
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  expect(await table()).toBe(GOOD_TABLE);
  expect(production.running.definition.lookups.lookup('wards', 'W1')).toBe('Surgery');
  const history = await eva.ask<History>('GET', `${PATH}/history`);
  expect(history.body.versions[0]).toMatchObject({
    by: 'eva, approved by otto',
    origin: 'edit',
    reason: 'W1 is missing',
  });
});

test('what was changed meanwhile is not overwritten, and the proposal stays open', async () => {
  const id = await proposed('key,value\nW1,Ours\n');
  await production.folder.write({ 'wards.csv': 'key,value\nW1,Theirs\n' });
  const refused = await otto.ask('POST', `${PATH}/drafts/${id}/apply`, {});
  expect(refused).toMatchObject({ status: 409, body: { code: 'CONFIG_CHANGED' } });
  expect(await table()).toContain('Theirs');
  const { body } = await eva.ask<Drafts>('GET', `${PATH}/drafts`);
  expect(body).toMatchObject({ approval: true });
  expect(body.drafts.find((one) => one.id === id)?.state).toBe('open');
  expect((await eva.ask('POST', `${PATH}/drafts/${id}/refuse`, {})).status).toBe(200);
  expect((await otto.ask('POST', `${PATH}/drafts/${id}/apply`, {})).status).toBe(409);
  await production.folder.write({ 'wards.csv': GOOD_TABLE });
});

test('a change that the check refuses leaves what lies on disk, and what runs', async () => {
  const id = await proposed('key,value\nW1\n');
  const refused = await otto.ask('POST', `${PATH}/drafts/${id}/apply`, {});
  expect(refused.status).toBe(422);
  expect(await table()).toBe(GOOD_TABLE);
  expect(production.running.definition.lookups.lookup('wards', 'W1')).toBe('Surgery');
});

test('new files are part of a change, also in a folder that is not there yet', async () => {
  const main = await eva.ask<FileText>('GET', `${PATH}/files/text?path=production.yaml`);
  const text = (main.body.text ?? '').replace(
    'lookups: { wards: wards.csv }',
    'lookups: { wards: wards.csv, doors: tables/doors.csv }',
  );
  expect(text).toContain('doors');
  const edits = [
    { path: 'production.yaml', text, was: main.body.hash },
    { path: 'tables/doors.csv', text: 'key,value\nD1,North\n' },
  ];
  const made = await eva.ask<Draft>('POST', `${PATH}/drafts`, { edits, reason: 'doors' });
  expect(made.status).toBe(200);
  const done = await otto.ask('POST', `${PATH}/drafts/${made.body.id}/apply`, {});
  expect(done.status).toBe(200);
  const file = join(production.folder.path, 'tables/doors.csv');
  expect(await readFile(file, 'utf8')).toBe('key,value\nD1,North\n');
  expect(production.running.definition.lookups.lookup('doors', 'D1')).toBe('North');
  // somebody who begins a file that is there by now overwrites nothing
  const late = { edits: [{ path: 'tables/doors.csv', text: 'key,value\n' }], reason: 'late' };
  const again = await eva.ask<Draft>('POST', `${PATH}/drafts`, late);
  const refused = await otto.ask('POST', `${PATH}/drafts/${again.body.id}/apply`, {});
  expect(refused).toMatchObject({ status: 409, body: { code: 'CONFIG_CHANGED' } });
  expect(await readFile(file, 'utf8')).toContain('D1,North');
});

test('a secret in the clear is never shown, and survives a change of its file, a rename and an approval', async () => {
  const main = await readFile(join(production.folder.path, 'production.yaml'), 'utf8');
  const secret = 'hunter-2-of-the-lab';
  const text = `${main}credentials:\n  lab: { kind: basic, user: lab, password: ${secret} }\n`;
  await production.folder.write({ 'production.yaml': text });
  const ask = { path: 'production.yaml' };
  const seen = await eva.ask<FileText>('GET', `${PATH}/files/text?path=${ask.path}`);
  expect(seen.body.text).not.toContain(secret);
  expect(seen.body.text).toMatch(/password: •••[0-9a-f]{8}\.1 }/);
  const edit = (change: (shown: string) => string) => [
    { ...ask, text: change(seen.body.text ?? ''), was: seen.body.hash },
  ];
  const renamed = edit((shown) => shown.replace('  lab: {', '  laboratory: {'));
  const check = await eva.ask<CheckReport>('POST', `${PATH}/files/check`, { edits: renamed });
  expect(check.body.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  const made = await eva.ask<Draft>('POST', `${PATH}/drafts`, { edits: renamed, reason: 'name' });
  const { body: view } = await otto.ask<DraftView>('GET', `${PATH}/drafts/${made.body.id}`);
  expect(view.files[0]?.lines.filter(({ change }) => change !== 'same')).toMatchObject([
    { change: 'removed', text: '  lab: { kind: basic, user: lab, password: ••• }' },
    { change: 'added', text: '  laboratory: { kind: basic, user: lab, password: ••• }' },
  ]);
  const applied = await otto.ask('POST', `${PATH}/drafts/${made.body.id}/apply`, {});
  expect(applied.status, JSON.stringify(applied.body)).toBe(200);
  expect(await readFile(join(production.folder.path, 'production.yaml'), 'utf8')).toBe(
    text.replace('  lab: {', '  laboratory: {'),
  );
  // of the file as it was before
  const stale = await eva.ask('POST', `${PATH}/files/check`, { edits: renamed });
  expect(stale).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
  expect(JSON.stringify(stale.body)).toContain('enter the secret');
  const compared = await otto.ask('GET', `${PATH}/history/comparison?before=running&after=disk`);
  const all = [seen, check, made, view, applied, stale, compared];
  expect(JSON.stringify(all)).not.toContain(secret);
  await production.folder.write({ 'production.yaml': main });
});

test('a newly typed secret is sealed in the database, and gone from it once the change is decided', async () => {
  const main = await readFile(join(production.folder.path, 'production.yaml'), 'utf8');
  const secret = 'never-seen-before';
  const text = `${main}credentials:\n  new: { kind: basic, user: lab, password: ${secret} }\n`;
  const was = await hashOf('production.yaml');
  const edits = [{ path: 'production.yaml', text, was }];
  const propose = async (): Promise<number> =>
    (await eva.ask<Draft>('POST', `${PATH}/drafts`, { edits, reason: 'new' })).body.id;
  await using database = await metaDatabase({ data: join(production.folder.path, 'data') });
  const stored = async (): Promise<string> =>
    JSON.stringify(await database.all('SELECT * FROM file_draft'));
  const [refused, applied] = [await propose(), await propose()];
  expect(await stored()).not.toContain(secret);
  const key = await sharedKey(database, 'file-change');
  const seal = await factorSeal(key, process.env);
  const drafts = draftStore(database, seal);
  const textIn = async (id: number) => (await drafts.find(id))?.edits?.[0]?.text;
  expect(await textIn(applied)).toBe(text);
  expect((await eva.ask('POST', `${PATH}/drafts/${refused}/refuse`, {})).status).toBe(200);
  const done = await otto.ask('POST', `${PATH}/drafts/${applied}/apply`, {});
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  expect(await readFile(join(production.folder.path, 'production.yaml'), 'utf8')).toBe(text);
  for (const id of [refused, applied]) {
    expect(await textIn(id)).toMatch(/password: •••/);
    expect((await eva.ask('GET', `${PATH}/drafts/${id}`)).status).toBe(200);
  }
  await production.folder.write({ 'production.yaml': main });

  // as an earlier version left it
  const [plain, lost] = [await propose(), await propose()];
  await database.run('UPDATE file_draft SET edits = ? WHERE id = ?', JSON.stringify(edits), plain);
  expect(await textIn(plain)).toBe(text);
  await sealDrafts(database, seal);
  expect(await stored()).not.toContain(secret);
  expect(await textIn(plain)).toBe(text);
  // sealed with a master key that is no longer here
  const other = draftStore(database, await factorSeal(randomBytes(32), {}));
  await other.keep(lost, edits);
  const list = await eva.ask<Drafts>('GET', `${PATH}/drafts`);
  expect(list.body.drafts.find(({ id }) => id === lost)).toMatchObject({
    paths: ['production.yaml'],
  });
  expect(await otto.ask('POST', `${PATH}/drafts/${lost}/apply`, {})).toMatchObject({
    status: 422,
    body: { code: 'CREDENTIAL_MISSING' },
  });
  for (const id of [plain, lost])
    expect((await eva.ask('POST', `${PATH}/drafts/${id}/refuse`, {})).status).toBe(200);
});

test('whom alerts go to is told to those who may see settings', async () => {
  for (const [who, told] of [
    [eva, true],
    [vera, false],
  ] as const) {
    const { body } = await who.ask<object>('GET', '/api/v1/production/map');
    expect(Object.hasOwn(body, 'alerts')).toBe(told);
  }
});

test('nobody writes outside the production, code, or without the right', async () => {
  for (const path of [
    '../outside.yaml',
    '/etc/waybill.yaml',
    'data/meta.yaml',
    'console.yaml',
    'steps.ts',
    '.git/config.yaml',
    'node_modules/x.yaml',
  ]) {
    const edits = [{ path, text: 'x: 1\n' }];
    const checked = await eva.ask('POST', `${PATH}/files/check`, { edits });
    expect(checked.status, path).toBe(422);
    const made = await eva.ask('POST', `${PATH}/drafts`, { edits, reason: 'x' });
    expect(made.status, path).toBe(422);
  }
  const edits = [{ path: 'wards.csv', text: '' }];
  const asked = [
    ['POST', `${PATH}/files/check`, { edits }],
    ['POST', `${PATH}/drafts`, { edits, reason: 'x' }],
    ['GET', `${PATH}/drafts`, undefined],
    ['POST', `${PATH}/drafts/1/apply`, {}],
  ] as const;
  for (const [method, path, body] of asked) {
    expect((await vera.ask(method, path, body)).status, path).toBe(403);
  }
  const large = [
    { path: 'a.csv', text: 'x'.repeat(390_000) },
    { path: 'b.csv', text: 'x'.repeat(390_000) },
  ];
  expect((await eva.ask('POST', `${PATH}/files/check`, { edits: large })).status).toBe(413);
});

test('in a work tree of git what was approved is a commit of these files alone; git that refuses stops nothing', async () => {
  const { path: folder } = production.folder;
  const git = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', folder, ...words])).stdout.trim();
  await git('init', '--quiet');
  await writeFile(join(folder, '.gitignore'), 'data/\n');
  await git('add', '--all');
  await git('-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '--quiet', '-m', 'all');
  await writeFile(join(folder, 'half-done.txt'), 'of somebody else');
  await git('add', 'half-done.txt');

  const id = await proposed(`${GOOD_TABLE}W9,Oncology\n`);
  expect((await otto.ask('POST', `${PATH}/drafts/${id}/apply`, {})).status).toBe(200);
  expect(await git('log', '-1', '--format=%an|%s')).toBe('eva, approved by otto|W1 is missing');
  expect(await git('show', '--name-only', '--format=', 'HEAD')).toBe('wards.csv');
  expect(await git('diff', '--cached', '--name-only')).toBe('half-done.txt');

  await writeFile(join(folder, '.git/index.lock'), '');
  const head = await git('rev-parse', 'HEAD');
  const again = await proposed(GOOD_TABLE);
  expect((await otto.ask('POST', `${PATH}/drafts/${again}/apply`, {})).status).toBe(200);
  expect(await table()).toBe(GOOD_TABLE);
  expect(await git('rev-parse', 'HEAD')).toBe(head);
  await vi.waitFor(async () => {
    const { body } = await eva.ask<object>('GET', '/api/v1/events');
    expect(JSON.stringify(body)).toContain('change-not-committed');
  });
});
