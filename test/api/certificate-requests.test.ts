import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { auditLog } from '../../src/access/audit/audit-log.ts';
import type {
  TakenCertificate,
  WaitingKey,
  WaitingKeys,
} from '../../src/api/contract/certificate.ts';
import type { Certificates } from '../../src/api/contract/storage.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { addLocalUser } from '../support/local-user.ts';
import { signedByOpenssl } from '../support/openssl-authority.ts';
import { type Operated, operated } from '../support/operator.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

const PASSWORD = 'a lantern by the ward';
const PATH = '/api/v1/certificates/requests';
const authority = certificateAuthority('Hospital');
const hub = authority.issue({ commonName: 'hub', names: ['DNS:localhost'] });

let production: Operated;
let port: number;
let folder: string;
let ada: Visitor;
let eva: Visitor;

beforeAll(async () => {
  port = await freePort();
  production = await operated({
    administrator: false,
    production: `production: ward
settings: { shutdownTimeout: 1s }
credentials:
  hub: { kind: certificate, certificate: tls/hub.crt, key: tls/hub.key }
  typed: { kind: certificate, certificate: "\${file:tls/hub.crt}", key: "\${file:tls/hub.key}" }
  away: { kind: certificate, certificate: elsewhere/a.crt, key: elsewhere/a.key }
  word: { kind: bearer, token: x }
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
  secured:
    adapter: mllp-in
    settings: { listen: '127.0.0.1:${port}', tls: { certificate: hub } }
    to: hl7-out
operations:
  hl7-out: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
`,
    files: { 'tls/hub.crt': hub.certificate, 'tls/hub.key': hub.key },
  });
  folder = production.folder.path;
  const signedIn = async (name: string, roles: string[]): Promise<Visitor> => {
    const data = join(folder, 'data');
    await addLocalUser(data, { name, password: PASSWORD, roles, scope: ['*'] });
    const one = visitor(production.url);
    expect((await one.signIn(name, PASSWORD)).status).toBe(200);
    return one;
  };
  ada = await signedIn('ada', ['administrator']);
  eva = await signedIn('eva', ['engineer']);
});
afterAll(async () => production[Symbol.asyncDispose]());

const order = (name: string, more: object = {}): object => ({
  name,
  commonName: 'hub.hospital.example',
  names: ['DNS:hub.hospital.example', 'DNS:localhost'],
  keys: 'P-256',
  ...more,
});

const days = (from: string, to: string): string[] => ['-not_before', from, '-not_after', to];

/** The certificate that the service shows now. */
async function shown(): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once('secureConnect', () => resolve(String(socket.getPeerX509Certificate()?.subject)));
  socket.once('error', reject);
  return promise.finally(() => socket.destroy());
}

const upload = (name: string, certificate: string) =>
  ada.ask<TakenCertificate & { detail: string }>('POST', `${PATH}/${name}/certificate`, {
    certificate,
  });

test('a key is made on the machine and never shown; its certificate is checked, used at once, and its end watched', async () => {
  const made = await ada.ask<WaitingKey>('POST', PATH, order('hub'));
  expect(made.status).toBe(200);
  const { request, files } = made.body;
  expect(files).toEqual({ certificate: 'tls/hub.crt', key: 'tls/hub.key' });
  expect(request).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----/);
  const { mode } = await stat(join(folder, 'tls/hub.key.next'));
  expect(mode & 0o777).toBe(0o600);
  const listed = await ada.ask<WaitingKeys>('GET', PATH);
  expect(JSON.stringify([made.body, listed.body])).not.toContain('PRIVATE KEY');
  expect(listed.body.keys).toMatchObject([{ name: 'hub', commonName: 'hub.hospital.example' }]);
  // nothing has changed until the certificate is there
  expect(await shown()).toBe('CN=hub');
  const again = await ada.ask<{ detail: string }>('POST', PATH, order('hub'));
  expect([again.status, again.body.detail]).toEqual([422, expect.stringMatching(/waits already/)]);

  const chain = await signedByOpenssl(request);
  const taken = await upload('hub', chain);
  expect(taken).toMatchObject({
    status: 200,
    body: { subject: 'CN=hub.hospital.example', isNew: false, notes: [] },
  });
  const [own] = (await readFile(join(folder, 'tls/hub.crt'), 'utf8')).split(
    /(?<=END CERTIFICATE-----\n)/,
  );
  expect(new X509Certificate(own ?? '').subject).toBe('CN=hub.hospital.example');
  expect((await stat(join(folder, 'tls/hub.key'))).mode & 0o777).toBe(0o600);
  expect((await readdir(join(folder, 'tls'))).toSorted()).toEqual([
    'hub.crt',
    'hub.crt.before',
    'hub.key',
    'hub.key.before',
  ]);
  await vi.waitFor(async () => expect(await shown()).toBe('CN=hub.hospital.example'));
  const { body } = await ada.ask<Certificates>('GET', '/api/v1/certificates');
  const watched = body.certificates.find(({ kind, name }) => kind === 'own' && name === 'hub');
  expect(watched).toMatchObject({ usedBy: ['secured'], ends: { at: taken.body.notAfter } });
  expect((await ada.ask<WaitingKeys>('GET', PATH)).body.keys).toEqual([]);

  await using audit = await auditLog({ data: join(folder, 'data') });
  for (const action of ['certificate.request', 'certificate.exchange']) {
    const rows = await audit.list({ action });
    expect(rows.at(-1)).toMatchObject({ actor: 'ada', object: 'credential hub', outcome: 'done' });
    expect(JSON.stringify(rows)).not.toMatch(/PRIVATE|BEGIN/);
  }
});

test('a new credential gets its files first, and a key that nobody needs is deleted', async () => {
  const made = await ada.ask<WaitingKey>('POST', PATH, order('lab', { keys: 'RSA' }));
  expect(made.body).toMatchObject({ isNew: true, files: { key: 'tls/lab.key' } });
  const taken = await upload('lab', await signedByOpenssl(made.body.request));
  expect(taken.body).toMatchObject({ isNew: true, files: { certificate: 'tls/lab.crt' } });
  const there = await ada.ask<{ detail: string }>('POST', PATH, order('lab'));
  expect(there.body.detail).toMatch(/tls\/lab\.crt is there already/);
  await ada.ask('POST', PATH, order('other'));
  expect((await ada.ask('DELETE', `${PATH}/other`)).status).toBe(200);
  expect((await ada.ask('DELETE', `${PATH}/other`)).status).toBe(404);
  expect(await readdir(join(folder, 'tls'))).not.toContain('other.key.next');
});

test('what does not fit the key, or would stop the host, is refused with why', async () => {
  const made = await ada.ask<WaitingKey>('POST', PATH, order('hub'));
  const before = await readFile(join(folder, 'tls/hub.crt'), 'utf8');
  const { request } = made.body;
  const stray = certificateAuthority('Another').certificate;
  for (const [certificate, why] of [
    [hub.certificate, /no certificate of the file belongs to the key that waits/],
    ['nothing', /contains no certificate/],
    ['-----BEGIN PKCS7-----\n', /this is PKCS#7 .*print_certs/],
    [(await signedByOpenssl(request)) + stray, /CN=Another does not belong to the chain/],
    [
      await signedByOpenssl(request, days('20200101000000Z', '20210101000000Z')),
      /the certificate ended on 2021-01-01/,
    ],
    [
      await signedByOpenssl(request, days('21000101000000Z', '21010101000000Z')),
      /begins on 2100-01-01.*and here it is/,
    ],
  ] as const) {
    const answer = await upload('hub', certificate);
    expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(why)]);
  }
  expect(await readFile(join(folder, 'tls/hub.crt'), 'utf8')).toBe(before);
  const [, own = ''] = (await signedByOpenssl(request)).split(/(?<=END CERTIFICATE-----\n)/);
  const alone = await upload('hub', own);
  expect(alone.body.notes).toEqual([expect.stringMatching(/No intermediate came with it.*CN=Own/)]);
});

test('a key goes nowhere but into the production, for nobody but who may', async () => {
  await symlink('/tmp', join(folder, 'elsewhere'));
  for (const [name, why] of [
    ['typed', /are not two files without a passphrase/],
    ['word', /is no credential of kind certificate/],
    ['../x', /is no name for a credential/],
    ['away', /is not in the production's folder/],
  ] as const) {
    const answer = await ada.ask<{ detail: string }>('POST', PATH, order(name));
    expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(why)]);
  }
  const odd = await ada.ask<{ detail: string }>('POST', PATH, order('odd', { names: ['hub'] }));
  expect([odd.status, odd.body.detail]).toEqual([422, expect.stringMatching(/DNS:hub\.example/)]);
  for (const [method, path, body] of [
    ['GET', PATH, undefined],
    ['POST', PATH, order('mine')],
    ['POST', `${PATH}/hub/certificate`, { certificate: 'x' }],
    ['DELETE', `${PATH}/hub`, undefined],
  ] as const) {
    const answer = await eva.ask<{ detail: string }>(method, path, body);
    expect([answer.status, answer.body.detail]).toEqual([
      403,
      expect.stringMatching(/credential\.manage/),
    ]);
  }
});
