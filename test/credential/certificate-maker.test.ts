import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { certificateFacts } from '../../src/adapter/index.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const hasOpenssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

describe('a certificate of our own authority', () => {
  const authority = certificateAuthority('Own');
  const issued = authority.issue({
    commonName: 'wärd, "B"',
    names: ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', 'URI:urn:ward'],
    notAfter: new Date('2060-02-03T04:05:06Z'),
  });

  test('is signed by it, fits its key and carries its names and dates', () => {
    const read = new X509Certificate(issued.certificate);
    expect(read.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(read.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
    expect(certificateFacts(read)).toMatchObject({
      issuer: 'CN=Own',
      names: ['DNS:localhost', 'IP:127.0.0.1', 'IP:0:0:0:0:0:0:0:1', 'URI:urn:ward'],
      notAfter: new Date('2060-02-03T04:05:06Z'),
    });
    expect(read.checkHost('localhost')).toBe('localhost');
  });

  test('has a number of its own', () => {
    const numbers = Array.from(
      { length: 5 },
      () => new X509Certificate(authority.issue({ commonName: 'a' }).certificate).serialNumber,
    );
    expect(new Set(numbers).size).toBe(5);
  });

  test.skipIf(!hasOpenssl)('satisfies the strict checks of OpenSSL, with its chain', async () => {
    await using folder = await temporaryFolder();
    const leaf = authority.intermediate('Below').issue({ commonName: 'a', names: ['DNS:a'] });
    const trust = join(folder.path, 'ca.pem');
    const chain = join(folder.path, 'chain.pem');
    await writeFile(trust, authority.certificate);
    await writeFile(chain, leaf.certificate);
    const { stdout } = await run('openssl', [
      'verify',
      '-x509_strict',
      '-CAfile',
      trust,
      '-untrusted',
      chain,
      chain,
    ]);
    expect(stdout).toContain('OK');
  });

  test('refuses a name it cannot write', () => {
    expect(() => authority.issue({ commonName: 'a', names: ['a.example'] })).toThrow(
      'a.example is not DNS:, URI: or IP: with a value',
    );
  });
});
