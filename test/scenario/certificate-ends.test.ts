import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { oauth2Sandbox } from '../../sandbox/oauth2/oauth2-sandbox.ts';
import type { Alert } from '../../src/api/contract/alert.ts';
import type { Certificates } from '../../src/api/contract/storage.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { type MllpPeer, mllpPeer } from '../support/mllp-peer.ts';
import { type Operated, operated } from '../support/operator.ts';

const DAY = 86_400_000;
const YEAR_AGO = new Date(Date.now() - 350 * DAY);
const inDays = (days: number): Date => new Date(Date.now() + (days + 0.5) * DAY);

const authority = certificateAuthority('Hospital', inDays(20), YEAR_AGO);
const hub = authority.issue({
  commonName: 'hub',
  use: ['client'],
  notBefore: YEAR_AGO,
  notAfter: inDays(5),
});
const lab = authority.issue({
  commonName: 'lab',
  names: ['DNS:localhost'],
  notBefore: YEAR_AGO,
  notAfter: inDays(2),
});

let peer: MllpPeer;
let production: Operated;

const lines = (address: string): string => `production: ends
settings: { shutdownTimeout: 1s }
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
operations:
  hl7-out:
    adapter: mllp-out
    settings:
      connect: ${address}
      tls: { trust: tls/ca.pem, crl: tls/list.pem, certificate: hub }
credentials:
  hub: { kind: certificate, certificate: tls/hub.crt, key: tls/hub.key }
`;

async function reload(): Promise<void> {
  const request = { dryRun: false, reason: 'a test' };
  expect((await production.ask('POST', '/api/v1/production/reload', request)).status).toBe(200);
}

beforeAll(async () => {
  peer = await mllpPeer({
    cert: lab.certificate,
    key: lab.key,
    ca: authority.certificate,
    requestCert: true,
  });
  production = await operated({
    production: lines(`localhost:${peer.port}`),
    files: {
      'tls/ca.pem': authority.certificate,
      'tls/list.pem': authority.revocationList([], new Date(Date.now() + DAY / 2)),
      'tls/hub.crt': hub.certificate,
      'tls/hub.key': hub.key,
    },
    console: { watchEvery: 100 },
  });
  await production.send('1');
  await vi.waitUntil(() => peer.received.length === 1, 10_000);
  // the watch may have looked before the handshake: a reload lets it look anew
  await reload();
});
afterAll(async () => {
  await production[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
});

test('what ends is listed with who uses it: ours, the authority’s, the peer’s, the revocation list', async () => {
  const listed = await vi.waitFor(async () => {
    const { body } = await production.ask<Certificates>('GET', '/api/v1/certificates');
    expect(body.certificates).toHaveLength(4);
    return body.certificates.map(({ kind, name, usedBy, ends }) => [
      kind,
      name,
      usedBy.join(),
      ends?.subject,
      ends?.state,
    ]);
  });
  expect(listed).toEqual([
    ['own', 'hub', 'hl7-out', 'CN=hub', 'urgent'],
    ['authority', 'tls/ca.pem', 'hl7-out', 'CN=Hospital', 'soon'],
    ['revocation-list', 'tls/list.pem', 'hl7-out', 'the revocation list', 'soon'],
    ['peer', 'localhost', 'hl7-out', 'CN=lab', 'urgent'],
  ]);
});

test('each opens an alert, in words that say whose it is', async () => {
  const texts = await vi.waitFor(async () => {
    const { body } = await production.ask<{ alerts: Alert[] }>('GET', '/api/v1/alerts');
    expect(body.alerts).toHaveLength(4);
    return body.alerts.map(({ level, text }) => `${level}: ${text}`);
  });
  expect(new Set(texts)).toEqual(
    new Set([
      'error: the certificate of hub (CN=hub) expires in 5 days',
      'warn: an authority that tls/ca.pem trusts (CN=Hospital) expires in 20 days',
      'warn: the revocation list tls/list.pem of hl7-out expires in 0 days',
      'error: the certificate that localhost shows to hl7-out (CN=lab) expires in 2 days',
    ]),
  );
});

test('each is a figure, and a peer’s end is in the event log of its host', async () => {
  const { body } = await production.ask<string>('GET', '/metrics');
  const figures = body.split('\n').filter((line) => line.startsWith('waybill_certificate_expiry'));
  expect(figures.map((line) => /kind="[^"]*",name="[^"]*"/.exec(line)?.[0])).toEqual([
    'kind="own",name="hub"',
    'kind="authority",name="tls/ca.pem"',
    'kind="revocation-list",name="tls/list.pem"',
    'kind="peer",name="localhost"',
  ]);
  await vi.waitFor(async () => {
    const answer = await production.ask('GET', '/api/v1/events?hosts=hl7-out');
    expect(JSON.stringify(answer.body)).toContain('the certificate of localhost: CN=lab expires');
  });
});

test('a token server’s certificate is watched too', async () => {
  await using server = await oauth2Sandbox({
    clients: [{ clientId: 'hub', secret: 'a secret', secretIn: 'header' }],
  });
  await production.folder.write({
    'tls/oauth.pem': server.ca,
    'production.yaml': `${lines(`localhost:${peer.port}`)}  api:
    kind: oauth2
    issuer: ${server.url}
    clientId: hub
    authentication: { secret: a secret }
    trust: tls/oauth.pem
`,
  });
  await reload();
  const credential = await production.running.credentials.get('api');
  if ('token' in credential) await credential.token(AbortSignal.timeout(10_000));
  await reload();
  const { body } = await production.ask<Certificates>('GET', '/api/v1/certificates');
  expect(body.certificates.map(({ kind, name, usedBy }) => [kind, name, usedBy.join()])).toEqual(
    expect.arrayContaining([
      ['authority', 'api', ''],
      ['peer', 'localhost', 'credential api'],
    ]),
  );
});
