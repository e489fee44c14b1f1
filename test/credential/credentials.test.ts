import { createPrivateKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, expect, test } from 'vitest';
import { oauth2Sandbox } from '../../sandbox/oauth2/oauth2-sandbox.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { credentials } from '../../src/credential/credentials.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { credentialSet, entriesOf } from '../support/credential-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const never = new AbortController().signal;
const authority = certificateAuthority('Hospital');
const hub = authority.issue({ commonName: 'hub', names: ['DNS:hub.hospital.example'] });

test('a name that does not exist is missing, with the nearest one', async () => {
  await using set = credentialSet({ graph: { kind: 'basic', user: 'u', password: 'p' } });
  await expect(set.credentials.get('grahp')).rejects.toMatchObject({
    code: 'CREDENTIAL_MISSING',
    retryable: false,
    message: 'credential grahp: there is no such entry under credentials. Perhaps you mean graph.',
  });
});

test('an entry that is wrong names every problem and its place', async () => {
  await using set = credentialSet({ drop: { kind: 'basic', usr: 'u', password: '' } });
  await expect(set.credentials.get('drop')).rejects.toMatchObject({
    code: 'CREDENTIAL_REFUSED',
    message: expect.stringMatching(
      /^credential drop: usr no such setting; did you mean user\?; user is required.*; password is empty.* Correct it at production\.yaml:1\.$/,
    ) as string,
  });
});

test.for([
  ['basic', { user: 'u', password: 'p' }],
  ['ntlm', { user: 'u', password: 'p', domain: 'HOSPITAL', workstation: 'HUB' }],
  ['ssh-key', { user: 'u', privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----', passphrase: 'x' }],
] as const)('a credential of kind %s is handed over as it is written', async ([kind, values]) => {
  await using set = credentialSet({ one: { kind, ...values } });
  const credential = await set.credentials.get('one');
  for (const [name, value] of Object.entries({ kind, ...values })) {
    expect(credential).toHaveProperty(name, value);
  }
});

test('one line break at the end of a password is not part of it', async () => {
  await using set = credentialSet({ one: { kind: 'basic', user: 'u', password: 'pass \r\n' } });
  expect(await set.credentials.get('one')).toHaveProperty('password', 'pass ');
});

test('a fixed token is read again after a 401', async () => {
  await using set = credentialSet({ api: { kind: 'bearer', token: 'first' } });
  const credential = await set.credentials.get('api');
  assert(credential.kind === 'bearer');
  set.set({ api: { kind: 'bearer', token: 'second' } });
  expect(await credential.token(never)).toBe('first');
  expect(await credential.token(never, { fresh: true })).toBe('second');
  expect(await credential.token(never)).toBe('second');
});

test('the public half of an SSH key is told as what it is', async () => {
  await using folder = await temporaryFolder('ssh');
  await writeFile(join(folder.path, 'id.pub'), 'ssh-ed25519 AAAA hub\n');
  await using set = credentialSet(
    { drop: { kind: 'ssh-key', user: 'u', privateKey: 'id.pub' } },
    { folder: folder.path },
  );
  await expect(set.credentials.get('drop')).rejects.toThrow(
    `(${join(folder.path, 'id.pub')}) is not PEM`,
  );
});

test('certificate files are read anew each time, and named so that they can be watched', async () => {
  await using folder = await temporaryFolder('files');
  const write = async (issued: { certificate: string; key: string }): Promise<void> => {
    await writeFile(join(folder.path, 'hub.crt'), issued.certificate);
    await writeFile(join(folder.path, 'hub.key'), issued.key);
  };
  await write(hub);
  await using set = credentialSet(
    { own: { kind: 'certificate', certificate: 'hub.crt', key: 'hub.key' } },
    { folder: folder.path },
  );
  expect(await set.credentials.get('own')).toMatchObject({
    certificate: hub.certificate,
    files: [join(folder.path, 'hub.crt'), join(folder.path, 'hub.key')],
  });
  const renewed = authority.issue({ commonName: 'hub' });
  await write(renewed);
  expect(await set.credentials.get('own')).toHaveProperty('key', renewed.key);
});

test('the files of values that were filled in are named too', async () => {
  const entries = entriesOf({ own: { kind: 'certificate', ...hub } });
  const [own] = [...entries.values()];
  assert(own !== undefined);
  const filled = new Map([['own', { ...own, files: ['/run/secrets/hub.key'] }]]);
  const made = credentials(filled, { log: silentLogger, folder: '/' });
  expect(await made.get('own')).toHaveProperty('files', ['/run/secrets/hub.key']);
});

const encrypted = createPrivateKey(hub.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
  .toString();
const other = authority.issue({ commonName: 'other' });

test.for([
  [{ ...hub, key: other.key }, 'the key does not belong to the certificate'],
  [
    { certificate: authority.certificate + hub.certificate, key: hub.key },
    'the key belongs to a later certificate of the file',
  ],
  [{ ...hub, key: encrypted }, 'key is encrypted. Set passphrase.'],
  [{ ...hub, key: encrypted, passphrase: 'no' }, 'key cannot be opened with the passphrase'],
  [{ ...hub, key: hub.certificate }, 'key is not a private key'],
  [{ ...hub, certificate: hub.key }, 'certificate contains no certificate'],
  [
    { ...hub, certificate: hub.certificate + authority.certificate.slice(0, -40) },
    'certificate is damaged at certificate 2',
  ],
  [{ ...hub, certificate: '/nowhere/hub.crt' }, '/nowhere/hub.crt, cannot be read (ENOENT)'],
] as const)('a certificate is refused before a connection is: %j', async ([values, text]) => {
  await using set = credentialSet({ own: { kind: 'certificate', ...values } });
  await expect(set.credentials.get('own')).rejects.toThrow(text);
});

test('an encrypted key is handed over with its passphrase', async () => {
  await using set = credentialSet({
    own: { kind: 'certificate', ...hub, key: encrypted, passphrase: 'open' },
  });
  expect(await set.credentials.get('own')).toHaveProperty('passphrase', 'open');
});

test('a binary file that is named as PEM is told what it may be', async () => {
  await using folder = await temporaryFolder('der');
  await writeFile(join(folder.path, 'hub.cer'), Buffer.from('3082', 'hex'));
  await using set = credentialSet(
    { own: { kind: 'certificate', certificate: 'hub.cer', key: hub.key } },
    { folder: folder.path },
  );
  await expect(set.credentials.get('own')).rejects.toThrow(
    /is binary, PKCS#12 or DER, not PEM\. A PKCS#12 file must be .* named \.p12 or \.pfx/,
  );
});

test('certificates are listed with their dates, and broken ones with why', async () => {
  const soon = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 86_400_000);
  const chain = authority.intermediate('Issuing').issue({ commonName: 'hub', notAfter: soon });
  await using set = credentialSet({
    good: { kind: 'certificate', ...chain },
    bad: { kind: 'certificate', ...chain, key: other.key },
    basic: { kind: 'basic', user: 'u', password: 'p' },
    trusting: {
      kind: 'oauth2',
      clientId: 'c',
      tokenUrl: 'https://localhost:1/token',
      authentication: { secret: 'a secret' },
      trust: authority.certificate,
    },
    signer: { kind: 'jwt-key', publicKey: hub.certificate },
  });
  expect(await set.credentials.certificates()).toEqual([
    {
      credential: 'good',
      kind: 'own',
      problem: undefined,
      chain: [
        expect.objectContaining({ subject: 'CN=hub', issuer: 'CN=Issuing', notAfter: soon }),
        expect.objectContaining({ subject: 'CN=Issuing', issuer: 'CN=Hospital' }),
      ],
    },
    {
      credential: 'bad',
      kind: 'own',
      chain: [],
      problem: expect.stringContaining('the key does not belong to the certificate') as string,
    },
    {
      credential: 'trusting',
      kind: 'authority',
      problem: undefined,
      chain: [expect.objectContaining({ subject: 'CN=Hospital' })],
    },
    {
      credential: 'signer',
      kind: 'authority',
      problem: undefined,
      chain: [expect.objectContaining({ issuer: 'CN=Hospital' })],
    },
  ]);
});

test('a check finds everything that needs no network', async () => {
  const tokenUrl = 'https://localhost:1/token';
  await using set = credentialSet({
    good: { kind: 'basic', user: 'u', password: 'p' },
    empty: { kind: 'basic', user: 'u', password: '' },
    strange: { kind: 'bsic' },
    assertion: {
      kind: 'oauth2',
      clientId: 'c',
      tokenUrl,
      authentication: { privateKeyJwt: { key: hub.key, algorithm: 'RS384' } },
    },
    mutual: { kind: 'oauth2', clientId: 'c', tokenUrl, authentication: { mutualTls: 'broken' } },
    broken: { kind: 'certificate', ...hub, key: other.key },
    jwt: { kind: 'jwt-key', algorithm: 'HS256', secret: 'short' },
    windows: { kind: 'ntlm', user: 'HOSPITAL\\hub', password: 'p' },
  });
  const found = await set.credentials.check();
  const text = Object.fromEntries(found.map(({ credential, problem }) => [credential, problem]));
  expect(Object.keys(text).toSorted()).toEqual(
    ['assertion', 'broken', 'empty', 'jwt', 'mutual', 'strange', 'windows'].toSorted(),
  );
  expect(text['strange']).toContain('did you mean basic?');
  expect(text['assertion']).toContain('a key of type ec prime256v1 cannot be used for RS384');
  expect(text['mutual']).toContain('the key does not belong to the certificate');
  expect(text['jwt']).toContain('must have at least 32 bytes');
  expect(text['windows']).toContain('Put what precedes the \\ under domain');
});

test('a changed production keeps the tokens of what did not change', async () => {
  await using server = await oauth2Sandbox({
    clients: [
      { clientId: 'one', secret: 'first', secretIn: 'header' },
      { clientId: 'two', secret: 'first', secretIn: 'header' },
    ],
  });
  const client = (clientId: string, secret: string) => ({
    kind: 'oauth2',
    issuer: server.url,
    clientId,
    authentication: { secret },
    trust: server.ca,
  });
  const before = { one: client('one', 'first'), two: client('two', 'first') };
  const made = credentials(entriesOf(before), { log: silentLogger, folder: '/' });
  const [one, two] = [await made.get('one'), await made.get('two')];
  assert(one.kind === 'oauth2' && two.kind === 'oauth2');
  const [keptToken, oldToken] = [await one.token(never), await two.token(never)];
  await server.register({ clientId: 'two', secret: 'second', secretIn: 'header' });
  await made.replace(entriesOf({ one: before.one, two: client('two', 'second') }));
  // What adapters already hold goes on.
  expect(await one.token(never)).toBe(keptToken);
  expect(await two.token(never)).not.toBe(oldToken);
  await made.replace(entriesOf({ one: before.one }));
  await expect(two.token(never)).rejects.toMatchObject({ code: 'CREDENTIAL_MISSING' });
  await made.close();
  expect(server.tokenRequests).toBe(3);
});

const newKey = (): string => authority.issue({ commonName: 'key' }).key;

test('the JWKS document has the next and the last key, and no private part', async () => {
  const authentication = {
    privateKeyJwt: { key: newKey(), algorithm: 'ES256', alsoPublish: [newKey(), hub.certificate] },
  };
  const tokenUrl = 'https://localhost:1/token';
  const broken = { privateKeyJwt: { key: hub.certificate, algorithm: 'ES256' } };
  await using set = credentialSet({
    epic: { kind: 'oauth2', clientId: 'epic', tokenUrl, authentication },
    same: { kind: 'oauth2', clientId: 'same', tokenUrl, authentication },
    broken: { kind: 'oauth2', clientId: 'broken', tokenUrl, authentication: broken },
  });
  const document = await set.credentials.jwksDocument();
  expect(document.keys.length).toBe(3);
  expect(new Set(document.keys.map(({ kid }) => kid)).size).toBe(3);
  for (const one of document.keys) {
    expect(one).toMatchObject({ kty: 'EC', use: 'sig' });
    expect(one).not.toHaveProperty('d');
  }
  expect(set.lines.join()).toContain('key could not be published');
});
