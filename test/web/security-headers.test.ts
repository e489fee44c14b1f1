import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { consoleFiles } from '../../src/api/console-files.ts';
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
  app.setNotFoundHandler(await consoleFiles(api, folder.path, []));
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
