import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rawClient } from '../../support/raw-client.ts';
import { type Called, type Service, service } from './calling.ts';

const PAGE = '<!doctype html><title>Portal</title>';
const SCRIPT = `export const text = "${'waybill '.repeat(200)}";`;
let folder: string;
let app: string;
let one: Service;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-files-'));
  app = join(folder, 'app');
  await mkdir(join(app, 'assets'), { recursive: true });
  await mkdir(join(app, 'help'));
  await writeFile(join(folder, 'secret.txt'), 'SECRET');
  await writeFile(join(app, 'index.html'), PAGE);
  await writeFile(join(app, 'help/index.html'), 'help');
  await writeFile(join(app, '.env'), 'SECRET');
  await mkdir(join(app, '.git'));
  await writeFile(join(app, '.git/config'), 'SECRET');
  await writeFile(join(app, 'assets/app-4f2a.js'), SCRIPT);
  await writeFile(join(app, 'assets/app-4f2a.js.gz'), gzipSync(SCRIPT));
  await writeFile(join(app, 'assets/app-4f2a.js.br'), brotliCompressSync(SCRIPT));
  await writeFile(join(app, 'a b%.txt'), 'named');
  await writeFile(join(app, 'digits.txt'), '0123456789');
  await symlink('../secret.txt', join(app, 'out.txt'));
  await symlink('..', join(app, 'up'));
  await symlink('.env', join(app, 'hidden.txt'));
  await symlink('digits.txt', join(app, 'inside.txt'));
  await promisify(execFile)('mkfifo', [join(app, 'pipe')]);
  one = await service({ path: '/api/*', files: { folder: app } });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Called> =>
  one.call(path, { method: 'GET', headers });

test('a page, its files and its own routes are served beside the operations', async () => {
  const page = await get('/');
  expect(page).toMatchObject({ status: 200, body: PAGE });
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining("default-src 'self'") as string,
  });
  const script = await get('/assets/app-4f2a.js');
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect((await get('/help/')).body).toBe('help');
  expect((await get('/a%20b%25.txt')).body).toBe('named');
  expect((await get('/inside.txt')).body).toBe('0123456789');
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  expect((await get('/patients/4711', { accept })).body).toBe(PAGE);
  expect((await one.call('/api/orders', { body: 'x' })).status).toBe(202);
  expect((await get('/api/orders', { accept })).status).toBe(405);
  expect((await one.call('/digits.txt', { body: 'x' })).status).toBe(405);
});

test('what is no file is 404 for programs, and so is a file of an old build', async () => {
  const accept = 'text/html';
  for (const [path, headers] of [
    ['/nothing.json', {}],
    ['/help', {}],
    ['/assets/app-old.js', { accept }],
    ['/assets', {}],
    ['/pipe', {}],
  ] as const) {
    expect([path, (await get(path, headers)).status]).toEqual([path, 404]);
  }
});

test.for([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/..\\secret.txt',
  '//secret.txt',
  '/assets//app-4f2a.js',
  '/up/secret.txt',
  '/out.txt',
  '/hidden.txt',
  '/.env',
  '/%2eenv',
  '/.git/config',
  '/index.html%00.txt',
  '/%',
  '/index.html/',
])('nothing outside, hidden or disguised is served: %s', async (path) => {
  const [, port = ''] = /:(\d+)$/.exec(one.url) ?? [];
  await using client = await rawClient(Number(port));
  client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  await client.left();
  const answer = client.heard;
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(answer).not.toContain('SECRET');
});

test('what a browser has is not sent again, until it changes', async () => {
  const file = join(app, 'changing.txt');
  await writeFile(file, 'first');
  const first = await get('/changing.txt');
  const [etag, changed] = [String(first.headers['etag']), String(first.headers['last-modified'])];
  for (const headers of [
    { 'if-none-match': etag },
    { 'if-none-match': `"x", W/${etag}` },
    { 'if-none-match': '*' },
    { 'if-modified-since': changed },
  ]) {
    expect(await get('/changing.txt', headers)).toMatchObject({ status: 304, body: '' });
  }
  await writeFile(`${file}.next`, 'other');
  await rename(`${file}.next`, file);
  await utimes(file, new Date(), new Date(Date.now() + 60_000));
  const stale = { 'if-none-match': etag, 'if-modified-since': changed };
  expect(await get('/changing.txt', stale)).toMatchObject({ status: 200, body: 'other' });
});

test.for([
  ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
  ['bytes=7-', 206, '789', 'bytes 7-9/10'],
  ['bytes=-3', 206, '789', 'bytes 7-9/10'],
  ['bytes=0-99', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=4-2', 200, '0123456789', undefined],
  ['bytes=0-1,3-4', 200, '0123456789', undefined],
  ['lines=1-2', 200, '0123456789', undefined],
] as const)('a part of a file: %s', async ([range, status, body, part]) => {
  const answer = await get('/digits.txt', { range });
  expect(answer).toMatchObject({ status, body });
  expect(answer.headers['content-range']).toBe(part);
});

test('a part that is not there, and of a file that has changed', async () => {
  const outside = await get('/digits.txt', { range: 'bytes=10-' });
  expect(outside.status).toBe(416);
  expect(outside.headers['content-range']).toBe('bytes */10');
  expect((await get('/digits.txt', { range: 'bytes=0-1', 'if-range': '"old"' })).body).toHaveLength(
    10,
  );
  const etag = String((await get('/digits.txt')).headers['etag']);
  expect((await get('/digits.txt', { range: 'bytes=0-1', 'if-range': etag })).body).toBe('01');
});

test('a compressed file beside it is sent to whoever accepts it, with a tag of its own', async () => {
  const path = '/assets/app-4f2a.js';
  const tags = new Set<string>();
  for (const [given, expected] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['identity', undefined],
  ] as const) {
    const answer = await one.call(path, { method: 'HEAD', headers: { 'accept-encoding': given } });
    expect([given, answer.headers['content-encoding']]).toEqual([given, expected]);
    expect(answer.headers['vary']).toBe('Accept-Encoding');
    tags.add(String(answer.headers['etag']));
  }
  expect(tags.size).toBe(3);
  const packed = await fetch(`${one.url}${path}`, { headers: { 'accept-encoding': 'br' } });
  expect(await packed.text()).toBe(SCRIPT);
  expect(gunzipSync(gzipSync(SCRIPT)).toString()).toBe(SCRIPT);
});

test('a large file is streamed, and a reader who leaves is no error', async () => {
  const size = 64 * 1_048_576;
  await writeFile(join(app, 'large.bin'), Buffer.alloc(size, 7));
  const answer = await fetch(`${one.url}/large.bin`);
  expect((await answer.arrayBuffer()).byteLength).toBe(size);
  const [, port = ''] = /:(\d+)$/.exec(one.url) ?? [];
  await using waiting = await rawClient(Number(port));
  // nothing is read until the server has filled what lies between
  waiting.pause();
  const before = process.memoryUsage().arrayBuffers;
  waiting.write('GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n');
  await sleep(300);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size / 4);
  waiting.resume();
  await vi.waitFor(() => expect(waiting.heard).toContain('200 OK'), { interval: 1 });
  waiting.pause();
  const leaving = new AbortController();
  const cut = await fetch(`${one.url}/large.bin`, { signal: leaving.signal });
  leaving.abort();
  await cut.body?.cancel().catch(() => undefined);
  expect((await get('/')).status).toBe(200);
  expect(one.opened.log.join('')).not.toContain('request failed');
});

test('a file that is cut while it is sent ends its connection, so that nobody takes the next answer for its rest', async () => {
  const size = 32 * 1_048_576;
  const path = join(app, 'cut.bin');
  await writeFile(path, '');
  await truncate(path, size);
  const [, port = ''] = /:(\d+)$/.exec(one.url) ?? [];
  await using reader = await rawClient(Number(port));
  reader.write(
    'GET /cut.bin HTTP/1.1\r\nhost: x\r\n\r\nGET /digits.txt HTTP/1.1\r\nhost: x\r\n\r\n',
  );
  await vi.waitFor(() => expect(reader.heard).toContain('200 OK'), { interval: 1 });
  reader.pause();
  await truncate(path, 20);
  reader.resume();
  await reader.left();
  expect(reader.heard.length).toBeLessThan(size);
  expect(reader.heard).not.toContain('0123456789');
});

test('a folder that is missing, or at the place of the operations, is told', async () => {
  await expect(service({ path: '/*', files: { folder: app } })).rejects.toThrow('files');
});
