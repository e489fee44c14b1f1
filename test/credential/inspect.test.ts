import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateCommand } from '../../src/cli/command/certificate.ts';
import { type KeyMaterial, keyMaterial } from '../../src/credential/inspect/key-material.ts';
import { ran } from '../support/command.ts';
import { processorTime } from '../support/processor-time.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const PASS = 'a passphrase nobody may see';
let folder: TemporaryFolder;
const at = (name: string): string => join(folder.path, name);
const openssl = (...args: readonly string[]): Promise<unknown> => run('openssl', args);

beforeAll(async () => {
  folder = await temporaryFolder('inspect');
  const make = ['req', '-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    ...make,
    '-x509',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=Test CA',
  );
  await openssl(
    ...make,
    '-keyout',
    at('hub.key'),
    '-out',
    at('hub.csr'),
    '-subj',
    '/CN=hub.example',
    '-addext',
    'subjectAltName=DNS:hub.example',
  );
  await openssl(
    'x509',
    '-req',
    '-in',
    at('hub.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-days',
    '5',
    '-copy_extensions',
    'copy',
    '-out',
    at('hub.pem'),
  );
  await openssl('x509', '-in', at('hub.pem'), '-outform', 'der', '-out', at('hub.der'));
  await openssl(
    'pkcs12',
    '-export',
    '-in',
    at('hub.pem'),
    '-inkey',
    at('hub.key'),
    '-certfile',
    at('ca.pem'),
    '-out',
    at('hub.p12'),
    '-passout',
    `pass:${PASS}`,
  );
  await openssl(
    'pkcs8',
    '-topk8',
    '-in',
    at('hub.key'),
    '-passout',
    `pass:${PASS}`,
    '-out',
    at('encrypted.key'),
  );
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', PASS, '-C', 'me@here', '-f', at('ssh')]);
  await writeFile(
    at('chain.pem'),
    (await readFile(at('hub.pem'), 'utf8')) + (await readFile(at('ca.pem'), 'utf8')),
  );
  await writeFile(
    at('wrong.pem'),
    (await readFile(at('ca.pem'), 'utf8')) + (await readFile(at('hub.pem'), 'utf8')),
  );
});
afterAll(() => folder[Symbol.asyncDispose]());

async function material(names: readonly string[], passphrase?: string): Promise<KeyMaterial> {
  const files = await Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(at(name)), passphrase })),
  );
  const found = await keyMaterial(files, Date.now());
  // whatever it is, nothing secret is told
  const told = JSON.stringify(found);
  for (const secret of [PASS, 'PRIVATE KEY-----', '"d"']) expect(told).not.toContain(secret);
  return found;
}

const kinds = ({ items }: KeyMaterial): string[] =>
  items.map(({ kind, form }) => `${kind}: ${form}`);

test('a chain in order with its key, in PEM', async () => {
  const found = await material(['chain.pem', 'hub.key', 'hub.csr']);
  expect(kinds(found)).toEqual([
    'certificate: PEM',
    'certificate: PEM',
    'private key: PEM, PKCS#8',
    'other: PEM',
  ]);
  expect(found.items[0]).toMatchObject({
    subject: 'CN=hub.example',
    issuer: 'CN=Test CA',
    names: ['DNS:hub.example'],
    authority: false,
    key: { type: 'RSA 2048 bit', weak: undefined },
  });
  expect(found.notes).toEqual([
    'The chain is in order: each of the 2 certificates is issued by the next.',
    'The private key (hub.key, PEM, PKCS#8) belongs to certificate 1.',
  ]);
});

test('a wrong order, a missing issuer and a key of another certificate are told', async () => {
  expect((await material(['wrong.pem', 'ca.key'])).notes).toEqual([
    'The chain is not in order: certificate 2 is issued by certificate 1, which should come right after it.',
    'The private key (ca.key, PEM, PKCS#8) belongs to certificate 1.',
  ]);
  expect((await material(['hub.der', 'ca.key'])).notes).toEqual([
    'The issuer of certificate 1, CN=Test CA, is not here: a peer that knows only the root needs it, unless it is the root.',
    'The private key (ca.key, PEM, PKCS#8) belongs to none of the certificates.',
  ]);
  const files = [{ name: 'hub.pem', bytes: await readFile(at('hub.pem')) }];
  const later = await keyMaterial(files, Date.now() + 10 * 86_400_000);
  expect(later.notes[0]).toBe('Certificate 1 (CN=hub.example) has expired.');
});

test('what a passphrase closes is told as such, and opened with it', async () => {
  const names = ['hub.p12', 'encrypted.key', 'ssh'];
  expect(kinds(await material(names))).toEqual([
    'encrypted key: PKCS#12',
    'encrypted key: PEM, PKCS#8, encrypted',
    'encrypted key: OpenSSH',
  ]);
  const opened = await material(names, PASS);
  expect(kinds(opened)).toEqual([
    'certificate: PKCS#12',
    'certificate: PKCS#12',
    'private key: PKCS#12',
    'private key: PEM, PKCS#8, encrypted',
    'private key: OpenSSH',
  ]);
  await expect(material(['hub.p12'], 'wrong')).rejects.toThrow(
    'cannot be opened with the passphrase',
  );
  await expect(material(['encrypted.key'], 'wrong')).rejects.toThrow(
    'cannot be opened with this passphrase',
  );
});

test('the fingerprint of an SSH key is the one that ssh-keygen shows', async () => {
  const { stdout } = await run('ssh-keygen', ['-lf', at('ssh.pub')]);
  const [, fingerprint = ''] = stdout.split(' ');
  const { items } = await material(['ssh.pub']);
  expect(items).toMatchObject([
    { kind: 'public key', type: 'Ed25519', note: `${fingerprint}, me@here`, form: 'OpenSSH' },
  ]);
});

const jwk = async (key: KeyObject, more: object) => ({ ...(await exportJWK(key)), ...more });

test('JSON Web Keys, alone and as a set, public, private and shared', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const keys = [
    await jwk(pair.publicKey, { kid: 'one', alg: 'ES384' }),
    await jwk(pair.privateKey, {}),
    await jwk(weak.publicKey, { use: 'sig' }),
    { kty: 'oct', k: Buffer.from(PASS).toString('base64url') },
  ];
  await writeFile(at('jwks.json'), JSON.stringify({ keys }));
  const found = await material(['jwks.json']);
  expect(found.items).toMatchObject([
    { kind: 'public key', type: 'EC P-384', note: 'kid one, alg ES384' },
    { kind: 'private key', type: 'EC P-384' },
    { kind: 'public key', type: 'RSA 1024 bit', weak: expect.stringContaining('too few') },
    { kind: 'secret key', note: 'a shared secret' },
  ]);
  expect(JSON.stringify(found)).not.toContain(Buffer.from(PASS).toString('base64url'));
});

const refused = async (content: string | Buffer): Promise<string> => {
  await writeFile(at('odd'), content);
  return material(['odd']).then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );
};

test('what is none of all that is refused with what to do', async () => {
  expect(await refused('')).toContain('is empty');
  expect(await refused('hello')).toContain('is no certificate and no key in any form');
  expect(await refused('{"a":1}')).toContain('no JWK');
  expect(await refused('{')).toContain('begins like JSON and is none');
  expect(await refused('-----BEGIN CERTIFICATE-----\nAAAA\n')).toContain('does not end it');
  expect(await refused('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toContain(
    'is damaged',
  );
  expect(await refused(Buffer.from([0x30, 0x03, 1, 2, 3]))).toContain('cannot be read');
});

test('a file that was made to keep a server busy is not opened', async () => {
  const began = processorTime();
  await openssl(
    'pkcs8',
    '-topk8',
    '-in',
    at('hub.key'),
    '-passout',
    `pass:${PASS}`,
    '-iter',
    '100000',
    '-out',
    at('slow.pem'),
  );
  const der = Buffer.from(
    (await readFile(at('slow.pem'), 'utf8')).replaceAll(/-----[^-]+-----|\s/g, ''),
    'base64',
  );
  // 100,000 rounds become 2,130,706,432: the length of the number stays
  const rounds = der.indexOf(Buffer.from([0x02, 0x03, 0x01, 0x86, 0xa0]));
  expect(rounds).toBeGreaterThan(0);
  der.set([0x7f, 0xff, 0xff], rounds + 2);
  const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
  await writeFile(at('busy.pem'), pem);
  await writeFile(at('busy.der'), der);
  const ssh = Buffer.from(
    (await readFile(at('ssh'), 'utf8')).replaceAll(/-----[^-]+-----|\s/g, ''),
    'base64',
  );
  // after the name, cipher, kdf and the lengths of the options and of the salt of 16 bytes
  const salt = ssh.indexOf(Buffer.from([0, 0, 0, 24, 0, 0, 0, 16]));
  ssh.writeUInt32BE(1_000_000, salt + 8 + 16);
  await writeFile(
    at('busy'),
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${ssh.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  );
  const parts = ['-in', at('hub.pem'), '-inkey', at('hub.key'), '-out', at('deep.p12')];
  await openssl('pkcs12', '-export', ...parts, '-iter', '100000', '-passout', `pass:${PASS}`);
  // of the certificates, two contents deep
  const deep = await readFile(at('deep.p12'));
  deep.set([0x7f, 0xff, 0xff], deep.indexOf(Buffer.from([0x02, 0x03, 0x01, 0x86, 0xa0])) + 2);
  await writeFile(at('deep.p12'), deep);
  const open = Buffer.concat([Buffer.from([0x30, 0x80, 2, 1, 3]), der]);
  await writeFile(at('busy.p12'), open);
  for (const name of ['busy.pem', 'busy.der', 'busy', 'busy.p12', 'deep.p12']) {
    await expect(material([name], PASS)).rejects.toThrow('asks for more rounds');
  }
  expect(processorTime() - began).toBeLessThan(5_000);
});

test('the command prints them as a table', async () => {
  const { code, output } = await ran(certificateCommand(), [
    'show',
    at('chain.pem'),
    at('hub.key'),
  ]);
  expect(code).toBe(0);
  expect(output).toContain('chain.pem: certificate 1 (PEM)\n  subject      CN=hub.example\n');
  expect(output).toMatch(/ {2}valid {8}\d{4}-\d\d-\d\d until \d{4}-\d\d-\d\d \(in [45] days\)\n/);
  expect(output).toContain('hub.key: private key, RSA 2048 bit (PEM, PKCS#8)\n');
  expect(await ran(certificateCommand(), ['show', at('none')])).toMatchObject({
    code: 1,
    errors: expect.stringContaining('NOT_FOUND'),
  });
});
