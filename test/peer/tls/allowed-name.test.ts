import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { certificateFacts } from '../../../src/adapter/index.ts';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import { isAllowed } from '../../../src/peer/index.ts';
import { type AllowedName, allowedName } from '../../../src/peer/tls/allowed-name.ts';

const authority = certificateAuthority('Names');
const certificate = (commonName: string, ...names: readonly string[]): X509Certificate =>
  new X509Certificate(authority.issue({ commonName, names }).certificate);

function entry(text: string): AllowedName {
  const read = allowedName.read(text, {
    path: String,
    template: () => ({ ok: false, problems: [] }),
    expression: () => ({ ok: false, problems: [] }),
    unknown: () => undefined,
    unfit: () => undefined,
  });
  if (!read.ok) throw new Error(read.problems[0]?.problem);
  return read.value;
}

const epic = certificate('Epic.example', 'DNS:epic.example', 'URI:urn:Epic', 'IP:10.0.0.7');

test.for([
  'CN=epic.example',
  'cn=EPIC.EXAMPLE',
  'DNS:epic.example',
  'URI:urn:epic',
  'IP:10.0.0.7',
  `SHA256:${epic.fingerprint256}`,
  epic.fingerprint256.replaceAll(':', '').toLowerCase(),
])('%s is a name of the certificate', (text) => {
  expect(isAllowed([entry(text)], epic)).toBe(true);
});

test.for([
  'CN=epic',
  'CN=epic.example2',
  'DNS:*.example',
  'DNS:urn:Epic',
  'IP:10.0.0.70',
  `SHA256:${'AB'.repeat(32)}`,
])('%s is none of it', (text) => {
  expect(isAllowed([entry(text)], epic)).toBe(false);
});

test.for(['', 'epic', 'CN=', 'O=Epic', 'SHA256:12', 'sha1:ab'])('%j is no entry', (text) => {
  expect(() => entry(text)).toThrow('must be CN=name');
});

test('a name cannot be smuggled into another', () => {
  const sly = certificate(
    'sly, CN=epic.example\nCN=epic.example',
    'DNS:sly.example, DNS:epic.example',
    'URI:urn:x, DNS:epic.example',
  );
  for (const text of ['CN=epic.example', 'DNS:epic.example']) {
    expect(isAllowed([entry(text)], sly)).toBe(false);
  }
  expect(certificateFacts(sly).names).toEqual([
    'DNS:sly.example, DNS:epic.example',
    'URI:urn:x, DNS:epic.example',
  ]);
  expect(certificateFacts(sly).subject).not.toMatch(/[\r\n]/);
});
