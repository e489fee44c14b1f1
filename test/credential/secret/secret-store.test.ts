import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, expect, test } from 'vitest';
import { masterKey, masterKeyFrom } from '../../../src/credential/secret/master-key.ts';
import { secretResolver, secretStoreFile } from '../../../src/credential/secret/secret-resolver.ts';
import { listSecrets, secretStore } from '../../../src/credential/secret/secret-store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const KEY = 'q6b1hU4m2v0fJm0X1yq7c5pWn8sT3eLrG9dKzVxYaBc=';
const OTHER = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const PASSPHRASE = 'correct horse battery staple';
/** Scrypt that takes no time. */
const CHEAP = { N: 2, r: 1, p: 1 };

async function storeIn(
  folder: string,
  key = KEY,
): Promise<ReturnType<typeof secretStore> & { file: string }> {
  const file = join(folder, 'data', 'secrets.json');
  return { ...secretStore(file, masterKey(key), CHEAP), file };
}

interface Content {
  readonly salt: string;
  cost: object;
  secrets: Record<string, { sealed: string; changed: string }>;
}

async function contentOf(file: string): Promise<Content> {
  return JSON.parse(await readFile(file, 'utf8')) as Content;
}

test.for([
  ['random bytes as base64', KEY],
  ['random bytes as hex', OTHER],
  ['a passphrase', PASSPHRASE],
])('a secret comes back with %s as the master key', async ([, key]) => {
  await using folder = await temporaryFolder('secrets');
  await (await storeIn(folder.path, key)).set('graph', 'a value\nof two lines ü\n');
  expect(await (await storeIn(folder.path, key)).get('graph')).toBe('a value\nof two lines ü\n');
  expect(await (await storeIn(folder.path, key)).get('other')).toBeUndefined();
});

test('values are not in the file, and the file is its owner’s only', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('graph', 'MARKER');
  const text = await readFile(store.file, 'utf8');
  expect(text).not.toContain('MARKER');
  expect(text).not.toContain(Buffer.from('MARKER').toString('base64').slice(0, 6));
  expect((await stat(store.file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder.path, 'data'))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(folder.path, 'data'))).toEqual(['secrets.json']);
});

test('equal values look different', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('one', 'same');
  await store.set('two', 'same');
  const { secrets } = await contentOf(store.file);
  expect(secrets['one']?.sealed).not.toBe(secrets['two']?.sealed);
  await store.set('one', 'same');
  expect((await contentOf(store.file)).secrets['one']?.sealed).not.toBe(secrets['one']?.sealed);
});

test('names are listed without a master key, values never', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  expect(await listSecrets(store.file)).toEqual([]);
  await store.set('b', '2');
  await store.set('a', '1');
  const listed = await listSecrets(store.file);
  expect(listed.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(Date.now() - (listed[0]?.changed.getTime() ?? 0)).toBeLessThan(60_000);
  expect(Object.keys(listed[0] ?? {})).toEqual(['name', 'changed']);
});

test('a removed secret is gone', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('graph', 'value');
  expect(await store.remove('graph')).toBe(true);
  expect(await store.remove('graph')).toBe(false);
  expect(await store.get('graph')).toBeUndefined();
});

test('another master key opens nothing and changes nothing', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('graph', 'value');
  const before = await readFile(store.file, 'utf8');
  const wrong = await storeIn(folder.path, OTHER);
  const refusal = { code: 'CREDENTIAL_REFUSED', message: expect.stringContaining('master key') };
  await expect(wrong.get('graph')).rejects.toMatchObject(refusal);
  await expect(wrong.set('graph', 'x')).rejects.toMatchObject(refusal);
  await expect(wrong.remove('graph')).rejects.toMatchObject(refusal);
  expect(await readFile(store.file, 'utf8')).toBe(before);
});

test('a value that was put under another name is not taken', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('low', 'public');
  await store.set('high', 'secret');
  const content = await contentOf(store.file);
  const { low, high } = content.secrets;
  assert(low !== undefined && high !== undefined);
  content.secrets = { low: high, high: low };
  await writeFile(store.file, JSON.stringify(content));
  await expect(store.get('high')).rejects.toThrow('was changed outside Waybill');
  await expect(store.get('low')).rejects.toThrow('was changed outside Waybill');
});

test('a changed byte is noticed', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('graph', 'value');
  const content = await contentOf(store.file);
  const bytes = Buffer.from(content.secrets['graph']?.sealed ?? '', 'base64');
  bytes[14] = (bytes[14] ?? 0) ^ 1;
  content.secrets['graph'] = { sealed: bytes.toString('base64'), changed: '2026-01-01T00:00:00Z' };
  await writeFile(store.file, JSON.stringify(content));
  await expect(store.get('graph')).rejects.toThrow('was changed outside Waybill');
});

test('a file that would exhaust the memory is refused', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path, PASSPHRASE);
  await store.set('graph', 'value');
  const content = await contentOf(store.file);
  content.cost = { N: 2 ** 30, r: 8, p: 1 };
  await writeFile(store.file, JSON.stringify(content));
  await expect((await storeIn(folder.path, PASSPHRASE)).get('graph')).rejects.toThrow('is damaged');
});

test('rotation puts everything under the new master key at once', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('one', '1');
  await store.set('two', '2');
  const before = await contentOf(store.file);
  expect(await store.rotate(masterKey(PASSPHRASE))).toBe(2);
  const after = await contentOf(store.file);
  expect(after.salt).not.toBe(before.salt);
  expect(after.secrets['one']?.changed).toBe(before.secrets['one']?.changed);
  const next = await storeIn(folder.path, PASSPHRASE);
  expect([await next.get('one'), await next.get('two')]).toEqual(['1', '2']);
  await expect(store.get('one')).rejects.toThrow('does not open');
});

test('changes that are made at once are all kept', async () => {
  await using folder = await temporaryFolder('secrets');
  const names = Array.from({ length: 12 }, (_, index) => `secret-${index}`);
  await Promise.all(
    names.map(async (name) => (await storeIn(folder.path)).set(name, `value of ${name}`)),
  );
  const store = await storeIn(folder.path);
  for (const name of names) expect(await store.get(name)).toBe(`value of ${name}`);
});

test('a name that is none is refused, and nothing is left beside the file', async () => {
  await using folder = await temporaryFolder('secrets');
  const store = await storeIn(folder.path);
  await store.set('graph', 'value');
  await expect(store.set('__proto__', 'x')).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED' });
  await expect(store.set('a b', 'x')).rejects.toThrow('Choose another name');
  expect(await readdir(join(folder.path, 'data'))).toEqual(['secrets.json']);
  expect(await store.get('graph')).toBe('value');
});

test('the master key comes from the environment or from a file', async () => {
  await using folder = await temporaryFolder('secrets');
  const file = join(folder.path, 'key');
  await writeFile(file, `${KEY}\n`);
  const store = await storeIn(folder.path);
  await store.set('graph', 'value');
  for (const environment of [{ WAYBILL_MASTER_KEY: KEY }, { WAYBILL_MASTER_KEY_FILE: file }]) {
    expect(await secretResolver(store.file, environment)('graph')).toBe('value');
  }
  await rm(file);
  await expect(masterKeyFrom({ WAYBILL_MASTER_KEY_FILE: file })).rejects.toThrow('(ENOENT)');
  await expect(masterKeyFrom({})).rejects.toMatchObject({ code: 'CREDENTIAL_MISSING' });
  await expect(masterKeyFrom({ WAYBILL_MASTER_KEY: 'short' })).rejects.toMatchObject({
    code: 'CREDENTIAL_REFUSED',
    message: expect.stringContaining('fewer than 16 characters'),
  });
});

test('a production without secrets needs no master key, and no store', async () => {
  await using folder = await temporaryFolder('secrets');
  const resolve = secretResolver(secretStoreFile(folder.path, {}), {});
  expect(await readdir(folder.path)).toEqual([]);
  await expect(resolve('graph')).rejects.toMatchObject({ code: 'CREDENTIAL_MISSING' });
  const withKey = secretResolver(secretStoreFile(folder.path, {}), { WAYBILL_MASTER_KEY: KEY });
  expect(await withKey('graph')).toBeUndefined();
});
