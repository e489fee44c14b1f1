import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Certificates } from '../../src/api/contract/storage.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { shownCertificate } from '../../src/operator/engines.ts';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const DAY = 86_400_000;

let folder: TemporaryFolder;
let production: Operated;

beforeAll(async () => {
  folder = await temporaryFolder('console');
  await mkdir(join(folder.path, 'assets'));
  await writeFile(join(folder.path, 'index.html'), '<html><head></head><body></body></html>');
  await writeFile(join(folder.path, 'assets/app-1a2b.js'), 'export {};');
  production = await operated({
    console: { consoleFolder: folder.path, trustedProxies: ['127.0.0.1'] },
  });
});
afterAll(async () => {
  await production[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Got {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** `fetch` sets headers of its own that a browser's page and a proxy differ in. */
function got(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Got> {
  return new Promise((resolve, reject) => {
    // a URL would tidy the path up
    const { hostname, port } = new URL(production.url);
    request({ hostname, port, path, headers, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text }),
      );
    })
      .on('error', reject)
      .end();
  });
}

test('any page of the console is its one page, told where it lies by a trusted proxy', async () => {
  const page = await got('/messages/17', { accept: 'text/html' });
  expect(page.text).toContain('<base href="/">');
  expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  expect(page.headers['cache-control']).toBe('no-store');
  const behind = { accept: 'text/html', 'x-forwarded-prefix': '/waybill' };
  expect((await got('/', behind)).text).toContain('<base href="/waybill/">');
  const forged = { accept: 'text/html', 'x-forwarded-prefix': '/"><script>' };
  expect((await got('/', forged)).text).toContain('<base href="/">');
  expect((await got('/')).status).toBe(200);
  expect((await got('/messages/17')).status).toBe(404);
});

test('files named by their content may be kept, answers of the API may not', async () => {
  expect((await got('/assets/app-1a2b.js')).headers['cache-control']).toContain('immutable');
  const me = await got('/api/v1/me');
  expect(me.headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' });
  expect((await got('/api/v1/nowhere', { accept: 'text/html' })).status).toBe(404);
});

test('no path leads out of the folder of the console', async () => {
  await writeFile(join(folder.path, '../beside.txt'), 'a secret beside it');
  for (const path of [
    '/../beside.txt',
    '/..%2fbeside.txt',
    '/%2e%2e/beside.txt',
    '/assets/..%5c..%5cbeside.txt',
    '/assets/%2e%2e%2f%2e%2e%2fbeside.txt',
    '//../beside.txt',
    '/assets/app-1a2b.js%00.txt',
    '/etc/passwd',
  ]) {
    const { status, text } = await got(path);
    expect([path, status, /a secret|root:/.test(text)]).toEqual([path, expect.any(Number), false]);
    expect(status).not.toBe(500);
  }
});

test('being at the machine, or behind a proxy on it, makes nobody an administrator', async () => {
  await using open = await operated({ administrator: false });
  for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }, { host: 'localhost' }]) {
    const answer = await fetch(new URL('/api/v1/me', open.url), { headers });
    expect(answer.status).toBe(401);
    const purge = await fetch(new URL('/api/v1/storage/purge', open.url), {
      method: 'POST',
      headers,
    });
    expect(purge.status).toBe(401);
  }
});

test('a proxy that writes the port of each caller does not make one guesser many', async () => {
  const url = new URL('/api/v1/sign-in', production.url);
  const seen: number[] = [];
  for (const port of [5001, 5002, 5003, 5004]) {
    const headers = {
      'content-type': 'application/json',
      'x-forwarded-for': `203.0.113.9:${port}`,
    };
    const body = JSON.stringify({ user: 'nobody', password: 'wrong' });
    seen.push((await fetch(url, { method: 'POST', headers, body })).status);
  }
  expect(seen).toEqual([401, 401, 401, 429]);
});

test('figures of the engines and of the trace come from one place', async () => {
  const { text } = await got('/metrics');
  expect(text).toMatch(/waybill_host_up\{instance_engine="0",production="ward",host="hl7-in"\} 1/);
  expect(text).toMatch(/waybill_trace_lag_messages\{production="ward"\} \d/);
  expect(text.match(/# TYPE waybill_host_up gauge/g)).toHaveLength(1);
});

test('a ticket of Windows with many groups fits into a request', async () => {
  const ticket = Buffer.alloc(48_000).toString('base64');
  const authorization = { authorization: `Negotiate ${ticket}` };
  const url = new URL('/api/v1/sign-in/methods', production.plane.api?.url);
  expect((await fetch(url, { headers: authorization })).status).toBe(200);
});

test('a renewed certificate is served without a restart', async () => {
  const authority = certificateAuthority('test');
  const files = { certificate: join(folder.path, 'c.pem'), key: join(folder.path, 'k.pem') };
  const issue = async (): Promise<void> => {
    const { certificate, key } = authority.issue({ commonName: 'x', names: ['IP:127.0.0.1'] });
    await writeFile(files.key, key);
    await writeFile(files.certificate, certificate);
  };
  await issue();
  await using secure = await operated({ console: { tls: files } });
  const serial = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const agent = new Agent({ maxCachedSessions: 0 });
      const url = new URL('/health/live', secure.url);
      get(url, { ca: authority.certificate, agent }, (response) => {
        resolve((response.socket as TLSSocket).getPeerCertificate().serialNumber);
        response.resume();
        agent.destroy();
      }).on('error', reject);
    });
  const before = await serial();
  await issue();
  await vi.waitFor(async () => expect(await serial()).not.toBe(before), 5_000);
});

const who = signedInAs();
who.principal = ANN;

test("the end of the console's own certificate and of its chain is known and alerted", async () => {
  const authority = certificateAuthority('root').intermediate('between');
  const notBefore = new Date(Date.now() - 300 * DAY);
  const notAfter = new Date(Date.now() + 20 * DAY);
  const own = authority.issue({ commonName: 'ours', names: ['IP:127.0.0.1'], notBefore, notAfter });
  const files = { certificate: join(folder.path, 'own.pem'), key: join(folder.path, 'own.key') };
  await writeFile(files.key, own.key);
  // a file that holds the key as well: the key must not leave the console
  await writeFile(files.certificate, own.key + own.certificate);
  const told = await shownCertificate(files.certificate);
  expect(JSON.stringify(told)).not.toContain('PRIVATE KEY');
  await using secure = await operated({
    console: { tls: files, watchEvery: 200, signIn: who.plugin },
  });
  const ask = <Answer>(path: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      get(new URL(path, secure.url), { rejectUnauthorized: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text) as Answer));
      }).on('error', reject);
    });
  const { certificates } = await ask<Certificates>('/api/v1/certificates');
  const shown = certificates.find(({ name }) => name === 'the console');
  expect(shown).toMatchObject({ kind: 'own', usedBy: ['the console'], ends: { state: 'soon' } });
  expect(shown?.chain.map(({ subject }) => subject)).toEqual(['CN=ours', 'CN=between']);
  await vi.waitFor(
    async () =>
      expect(JSON.stringify(await ask('/api/v1/alerts'))).toMatch(
        /the certificate of the console \(CN=ours\) expires in (19|20) days/,
      ),
    10_000,
  );
});
