import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { consoleFiles, readConsole, tellVersion } from '../../src/api/console-files.ts';
import type { Api } from '../../src/web/api.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILES = {
  'index.html': '<html><head></head></html>',
  'service-worker.js': 'self.skipWaiting();',
  'theme.css': 'body {}',
};
const POLICY = 'content-security-policy';

test('what a browser has kept keeps its policy when an answer says that it did not change', async () => {
  await using folder = await temporaryFolder('policy');
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder.path, name), text);
  const app = fastify();
  const api = app as unknown as Api;
  securityHeaders(api);
  const built = await readConsole(folder.path);
  if (built === undefined) throw new Error('there is one');
  app.setNotFoundHandler(consoleFiles(api, built, []));
  for (const [url, policy] of [
    ['/service-worker.js', "connect-src 'self'"],
    ['/theme.css', "default-src 'none'; frame-ancestors 'none'"],
  ] as const) {
    const kept = await app.inject(url);
    expect(kept.headers[POLICY], url).toContain(policy);
    const { etag = '' } = kept.headers;
    const again = await app.inject({ url, headers: { 'if-none-match': etag } });
    expect(again.statusCode, url).toBe(304);
    // the headers of a 304 replace those that were kept (RFC 9111 §4.3.4)
    expect({ ...kept.headers, ...again.headers }[POLICY], url).toBe(kept.headers[POLICY]);
  }
  await app.close();
});

/** Which console a page is of. */
const versionIn = (html: string) => /name="waybill-console" content="(\w+)"/.exec(html)?.[1];

test('a console that is replaced below a running plane is served as it was, and its pages are told of the next one', async () => {
  await using folder = await temporaryFolder('upgrade');
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
  const serve = async () => {
    const app = fastify();
    const built = await readConsole(folder.path);
    if (built === undefined) throw new Error('there is one');
    tellVersion(app, built);
    app.get('/api/v1/status', () => ({}));
    app.setNotFoundHandler(consoleFiles(app as unknown as Api, built, []));
    return app;
  };
  const page = { url: '/queues', headers: { accept: 'text/html' } };
  await write('index.html', '<html><head><script src="./one.js"></script></head></html>');
  await write('one.js', 'one()');
  await write('one.js.br', 'packed');
  const before = await serve();
  await rm(join(folder.path, 'one.js'));
  await write('index.html', '<html><head><script src="./two.js"></script></head></html>');
  await write('two.js', 'two()');
  const old = (await before.inject(page)).body;
  expect(old).toContain('one.js');
  for (const [accepted, encoding, text] of [
    ['gzip, deflate, br', 'br', 'packed'],
    ['br;q=0, gzip', undefined, 'one()'],
    ['', undefined, 'one()'],
  ] as const) {
    const { headers, body } = await before.inject({
      url: '/one.js',
      headers: { 'accept-encoding': accepted },
    });
    expect([headers['content-encoding'], body], accepted).toEqual([encoding, text]);
    expect(headers['content-type']).toMatch(/^text\/javascript/);
  }
  const told = async (app: typeof before) =>
    (await app.inject('/api/v1/status')).headers['waybill-console'];
  expect(await told(before)).toBe(versionIn(old));
  const after = await serve();
  expect((await after.inject('/one.js')).statusCode).toBe(404);
  expect((await after.inject('/two.js')).body).toBe('two()');
  expect(await told(after)).toBe(versionIn((await after.inject(page)).body));
  expect(await told(after)).not.toBe(versionIn(old));
  await Promise.all([before.close(), after.close()]);
});
