import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import mllpOut from '../../adapters/mllp/mllp-out.ts';
import { checkCommand } from '../../src/cli/command/check.ts';
import {
  certificateAuthority,
  type IssuedCertificate,
} from '../../src/credential/certificate-maker.ts';
import { serverTls, tlsServer } from '../../src/peer/index.ts';
import { greeting } from '../peer/tls/tls-listener.ts';
import { ran } from '../support/command.ts';
import { credentialSet } from '../support/credential-set.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { lend, openOutbound } from '../support/open-adapter.ts';
import { adt } from '../support/operator.ts';
import { listening } from '../support/tcp-server.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const hasOpenssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

const authority = certificateAuthority('Hospital');
const issuing = authority.intermediate('Issuing');
const issue = (keys: 'P-256' | 'RSA' = 'P-256'): IssuedCertificate =>
  issuing.issue({ commonName: 'localhost', names: ['DNS:localhost'], keys });

/** Has openssl make `hub.p12`, as it is handed out: with the chain, and encrypted with `words`. */
async function export12(
  { path }: TemporaryFolder,
  { certificate, key }: IssuedCertificate,
  { words = 'geheim', options = [] as readonly string[], name = 'hub.p12' } = {},
): Promise<string> {
  await writeFile(join(path, 'c.pem'), certificate + authority.certificate);
  await writeFile(join(path, 'k.pem'), key);
  const out = join(path, name);
  const from = ['-inkey', join(path, 'k.pem'), '-in', join(path, 'c.pem'), '-out', out];
  await run('openssl', ['pkcs12', '-export', ...from, '-passout', `pass:${words}`, ...options]);
  return out;
}

const own = (folder: TemporaryFolder, more: object = {}) =>
  credentialSet(
    { hub: { kind: 'certificate', certificate: 'hub.p12', ...more } },
    { folder: folder.path },
  );

const blocks = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

describe.runIf(hasOpenssl)('a PKCS#12 file', () => {
  test.for([
    ['an elliptic key and AES', 'P-256', [], 'geheim'],
    ['an RSA key and AES', 'RSA', [], 'Schlüssel 12'],
    [
      'an RSA key and 3DES, as older Windows exports it',
      'RSA',
      ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
      'geheim',
    ],
    [
      'a key that is not encrypted once more',
      'P-256',
      ['-keypbe', 'NONE', '-certpbe', 'NONE'],
      'geheim',
    ],
    ['no passphrase', 'P-256', [], ''],
  ] as const)('with %s is read with its chain', async ([, keys, options, words]) => {
    await using folder = await temporaryFolder('p12');
    const issued = issue(keys);
    const file = await export12(folder, issued, { words, options });
    await using set = own(folder, words === '' ? {} : { passphrase: words });
    const credential = await set.credentials.get('hub');
    if (credential.kind !== 'certificate') throw new TypeError(credential.kind);
    expect(blocks(credential.certificate)).toEqual([
      ...blocks(issued.certificate),
      ...blocks(authority.certificate),
    ]);
    const own12 = new X509Certificate(credential.certificate);
    expect(own12.checkPrivateKey(createPrivateKey(credential.key))).toBe(true);
    expect(credential.files).toEqual([file]);
    expect(await set.credentials.certificates()).toMatchObject([
      { credential: 'hub', chain: [{ subject: 'CN=localhost' }, { subject: 'CN=Issuing' }, {}] },
    ]);
    expect(await set.credentials.check()).toEqual([]);
  });

  test('shows us to a peer that wants mutual TLS', async () => {
    await using folder = await temporaryFolder('p12');
    await export12(folder, issue());
    const { certificate: cert, key } = issue();
    await using peer = await mllpPeer({
      cert,
      key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const trust = join(folder.path, 'ca.pem');
    await writeFile(trust, authority.certificate);
    await using set = own(folder, { passphrase: 'geheim' });
    const credentials = { hub: await set.credentials.get('hub') };
    const tls = { trust, certificate: 'hub' };
    const given = { connect: `localhost:${peer.port}`, tls };
    await using opened = await openOutbound(mllpOut, given, { credentials });
    expect(await opened.send(Buffer.from(adt('1')))).toMatchObject({ code: 'AA' });
  });

  test('that is renewed is shown by a listener without a restart', async () => {
    await using folder = await temporaryFolder('p12');
    const file = await export12(folder, issue());
    await using set = own(folder, { passphrase: 'geheim' });
    const hub = await set.credentials.get('hub');
    const settings = { tls: tlsServer() };
    const { lent, seen } = lend(
      settings,
      { tls: { certificate: 'hub' } },
      { credentials: { hub } },
    );
    const lending = { ...lent, credential: (name: string) => set.credentials.get(name) };
    assert(lent.settings.tls !== undefined);
    const tls = await serverTls(lending, lent.settings.tls, 20);
    const shows = createServer(tls.options, (socket) => socket.end('hi'));
    tls.follow(shows);
    await using server = await listening(shows);
    const ca = authority.certificate;
    const before = await greeting(server.port, { ca });
    await rename(await export12(folder, issue(), { name: 'next.p12' }), file);
    await vi.waitFor(() => expect(seen.events.at(-1)?.name).toBe('certificate-renewed'));
    const after = await greeting(server.port, { ca });
    expect(after.text).toBe('hi');
    expect(after.serial).not.toBe(before.serial);
    tls.close();
  });

  test('that ends soon is a warning of the check, with its place', async () => {
    await using folder = await temporaryFolder('p12');
    const soon = new Date(Date.now() + 5 * 86_400_000);
    await export12(folder, issuing.issue({ commonName: 'hub', notAfter: soon }));
    await writeFile(
      join(folder.path, 'production.yaml'),
      `production: p
services: { in: { adapter: mllp-in, settings: { listen: "127.0.0.1:2575", tls: { certificate: hub } }, to: out } }
operations: { out: { adapter: mllp-out, settings: { connect: a:1 } } }
credentials:
  hub: { kind: certificate, certificate: hub.p12, passphrase: geheim }
`,
    );
    const { code, output } = await ran(checkCommand(), [folder.path]);
    expect(output).toMatch(
      /production\.yaml:5:\d+ warning: credentials\.hub\.certificate: the certificate of CN=hub expires on/,
    );
    expect(code).toBe(0);
    await writeFile(join(folder.path, 'hub.p12'), 'none');
    const wrong = await ran(checkCommand(), [folder.path]);
    expect(wrong.output).toMatch(
      /5:\d+ credentials\.hub: the PKCS#12 file .* cannot be read\. Copy/,
    );
    expect(wrong.code).toBe(1);
  });

  test.for([
    [
      'a wrong passphrase',
      { passphrase: 'falsch' },
      [],
      /cannot be opened with the passphrase\. Correct/,
    ],
    ['no passphrase', {}, [], /hub\.p12 is encrypted\. Set passphrase/],
    [
      'RC2, which OpenSSL takes no more',
      { passphrase: 'geheim' },
      ['-legacy'],
      /is encrypted in an old way \(RC2\).*Export it again with AES-256, or convert it, with -legacy/,
    ],
    ['no key', { passphrase: 'geheim' }, ['-nokeys'], /contains no private key\. Export it again/],
    ['a key besides', { passphrase: 'geheim', key: 'k.pem' }, [], /key must be left out/],
  ] as const)('with %s is refused with what to do', async ([, more, options, text]) => {
    await using folder = await temporaryFolder('p12');
    await export12(folder, issue(), { options });
    await using set = own(folder, more);
    await expect(set.credentials.get('hub')).rejects.toMatchObject({
      code: 'CREDENTIAL_REFUSED',
      message: expect.stringMatching(text),
    });
  });

  test('that is damaged or none is refused, wherever it is cut', async () => {
    await using folder = await temporaryFolder('p12');
    const file = await export12(folder, issue());
    const whole = await readFile(file);
    await using set = own(folder, { passphrase: 'geheim' });
    for (const length of [0, 2, 20, 200, whole.length - 20, whole.length - 1]) {
      await writeFile(file, whole.subarray(0, length));
      await expect(set.credentials.get('hub'), `${length} bytes`).rejects.toMatchObject({
        code: 'CREDENTIAL_REFUSED',
      });
    }
    await writeFile(file, issue().certificate);
    await expect(set.credentials.get('hub')).rejects.toThrow(/cannot be read\. Copy it again/);
  });
});

test('a certificate in PEM needs its key', async () => {
  const { certificate } = issue();
  await using set = credentialSet({ hub: { kind: 'certificate', certificate } });
  await expect(set.credentials.get('hub')).rejects.toThrow('key is required');
});
