import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Comparison, Files, FileText, History } from '../../src/api/contract/files.ts';
import { GOOD_TABLE, LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated({ production: LOOKUP_PRODUCTION, files: LOOKUP_FILES });
});
afterAll(async () => production[Symbol.asyncDispose]());

const PATH = '/api/v1/production';
const history = async (): Promise<History['versions']> =>
  (await production.ask<History>('GET', `${PATH}/history`)).body.versions;
const file = (name: string): string => join(production.folder.path, name);

async function apply(reason: string): Promise<string> {
  const { status, body } = await production.ask<{ version: string }>('POST', `${PATH}/reload`, {
    dryRun: false,
    reason,
  });
  expect(status).toBe(200);
  return body.version;
}

test('what was read at the start and each apply is kept, with who, when and why; twice the same is once', async () => {
  const first = await vi.waitFor(async () => {
    const [one] = await history();
    if (one === undefined) throw new Error('it is not kept yet');
    return one;
  });
  expect(first).toMatchObject({ origin: 'start', by: 'waybill', files: 3 });
  await production.folder.write({ 'wards.csv': GOOD_TABLE });
  const before = Date.now();
  const version = await apply('W1 was missing');
  await apply('nothing new');
  const [second, ...rest] = await history();
  expect(second).toMatchObject({
    version,
    origin: 'apply',
    by: 'admin',
    reason: 'W1 was missing',
    warnings: 0,
  });
  expect(second?.at).toBeGreaterThanOrEqual(before);
  expect(rest).toEqual([first]);
});

test('two versions are compared host by host and line by line', async () => {
  const yaml = await readFile(file('production.yaml'), 'utf8');
  await production.folder.write({
    'production.yaml': yaml.replace('title: From admission', 'title: From the ADT'),
  });
  await apply('another title');
  const [now, , first] = await history();
  const { body } = await production.ask<Comparison>(
    'GET',
    `${PATH}/history/comparison?before=${first?.version}&after=${now?.version}`,
  );
  expect(body.hosts).toMatchObject([
    { host: 'hl7-in', how: 'changed', changes: [{ path: 'title', after: 'From the ADT' }] },
  ]);
  expect(body.production).toMatchObject([{ path: 'lookups.wards' }]);
  expect(body.problems).toEqual([]);
  expect(body.files.map(({ path, change }) => [path, change])).toEqual([
    ['production.yaml', 'changed'],
    ['wards.csv', 'changed'],
  ]);
  expect(body.files[1]?.lines).toEqual([
    { change: 'same', text: 'key,value', before: 1, after: 1 },
    { change: 'removed', text: 'X,Nowhere', before: 2 },
    { change: 'added', text: 'W1,Surgery', after: 2 },
  ]);
});

test('a version is run again with one order, and what lay there and never ran is kept', async () => {
  const before = await history();
  const first = before.at(-1);
  await production.folder.write({
    'extra.yaml': `operations:\n  spare: { adapter: mllp-out, settings: { connect: '\${env:SPARE}' } }\n`,
    'other.yaml': 'of somebody else\n',
    'production.yaml': `${await readFile(file('production.yaml'), 'utf8')}include: [extra.yaml]\n`,
    'wards.csv': 'key,value\nNEVER,Applied\n',
  });
  const { status, body } = await production.ask(
    'POST',
    `${PATH}/history/${first?.version}/roll-back`,
    { reason: 'the new one refuses' },
  );
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { version: first?.version, written: ['extra.yaml', 'production.yaml', 'wards.csv'] },
  });
  expect(await readFile(file('wards.csv'), 'utf8')).toBe(LOOKUP_FILES['wards.csv']);
  await expect(readFile(file('extra.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readFile(file('other.yaml'), 'utf8')).toBe('of somebody else\n');
  expect(production.running.definition.lookups.lookup('wards', 'X')).toBe('Nowhere');
  const [rolled, aside] = await history();
  expect(rolled).toMatchObject({
    version: first?.version,
    origin: 'roll-back',
    by: 'admin',
    reason: 'the new one refuses',
  });
  expect(aside).toMatchObject({ origin: 'set-aside', by: 'admin' });
  const kept = await production.ask<FileText>(
    'GET',
    `${PATH}/files/text?version=${aside?.version}&path=wards.csv`,
  );
  expect(kept.body.text).toContain('NEVER');
  // what was set aside can be had back
  const again = await production.ask('POST', `${PATH}/history/${aside?.version}/roll-back`, {
    reason: 'it was right',
  });
  expect(again.status).toBe(200);
  expect(production.running.definition.lookups.lookup('wards', 'NEVER')).toBe('Applied');
  const audit = await production.ask<{ rows: { detail: string }[] }>(
    'GET',
    '/api/v1/audit?action=config.roll_back',
  );
  expect(audit.body.rows[0]?.detail).toContain('it was right');
});

test('a roll-back that is refused leaves the files as they were', async () => {
  const first = (await history()).at(-1);
  const text = await readFile(file('production.yaml'), 'utf8');
  const kept = join(production.folder.path, 'data/history/files');
  const { body } = await production.ask<Files>('GET', `${PATH}/files?version=${first?.version}`);
  const table = body.files.find(({ path }) => path === 'wards.csv');
  // somebody broke what was kept
  const whole = await readFile(join(kept, `${table?.hash}`));
  await writeFile(join(kept, `${table?.hash}`), 'key,value\nX\n');
  const refused = await production.ask('POST', `${PATH}/history/${first?.version}/roll-back`, {
    reason: 'again',
  });
  expect(refused.status).toBe(422);
  expect(await readFile(file('production.yaml'), 'utf8')).toBe(text);
  expect(await readFile(file('wards.csv'), 'utf8')).toContain('NEVER');
  await writeFile(join(kept, `${table?.hash}`), whole);
  const unknown = await production.ask('POST', `${PATH}/history/nothing/roll-back`, {
    reason: 'x',
  });
  expect(unknown.status).toBe(404);
});

test('files are shown by name, and only those of the production', async () => {
  const { body } = await production.ask<Files>('GET', `${PATH}/files`);
  expect(body.files.map(({ path, editable }) => [path, editable])).toEqual([
    ['extra.yaml', true],
    ['production.yaml', true],
    ['to-ward.yaml', true],
    ['wards.csv', true],
  ]);
  for (const path of ['../etc/passwd', 'data/nats.json', '/etc/passwd', 'console.yaml']) {
    const asked = `${PATH}/files/text?path=${encodeURIComponent(path)}`;
    expect((await production.ask('GET', asked)).status, path).toBe(404);
  }
});

test('the commit is named where the folder is a work tree of git', async () => {
  const git = (...words: string[]) =>
    promisify(execFile)('git', ['-C', production.folder.path, ...words]);
  await git('init', '-q');
  await git('add', 'production.yaml', 'to-ward.yaml', 'wards.csv');
  await git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'first');
  const id = (await git('rev-parse', 'HEAD')).stdout.trim();
  await production.folder.write({ 'wards.csv': 'key,value\nG,Git\n' });
  await apply('from a work tree');
  expect((await history())[0]?.commit).toEqual({ id, changed: true });
});
