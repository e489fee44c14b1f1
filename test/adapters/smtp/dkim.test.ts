import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import { isVerified } from '../../support/dkim.ts';
import { openOutbound, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { smtpPeer } from '../../support/smtp-peer.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const spki = { type: 'spki', format: 'pem' } as const;
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
});

const given = (port: number) => ({
  connect: `127.0.0.1:${port}`,
  security: 'none',
  from: 'Hub <hub@hospital.example>',
  to: 'ward@hospital.example',
  text: 'Befund {id}\n\n.\nEnde  \n\n',
  dkim: { domain: 'hospital.example', selector: 'w1', key: 'dkim.key' },
});

test.for([
  ['PKCS#8', privateKey],
  [
    'PKCS#1',
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: spki,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    }),
  ],
] as const)('mails that arrive bear a signature that holds (%s)', async ([, key]) => {
  const pair = typeof key === 'string' ? { privateKey: key, publicKey } : key;
  await using folder = await temporaryFolder('dkim');
  await writeFile(join(folder.path, 'dkim.key'), pair.privateKey);
  await using server = await smtpPeer({ security: 'none' });
  await using opened = await openOutbound(smtpOut, given(server.port), { folder: folder.path });
  await opened.send(Buffer.from('MSH|^~\\&|A\r'));
  await opened.send(streamedBody(Buffer.alloc(3_000_000, 'abc ')));
  expect(server.mails.map(({ raw }) => isVerified(raw, pair.publicKey))).toEqual([true, true]);
});

const encrypted = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: spki,
  privateKeyEncoding: { ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' },
}).privateKey;
const elliptic = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
}).privateKey;
const edwards = generateKeyPairSync('ed25519', {
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
}).privateKey;

test.for([
  ['that is encrypted', encrypted, /is encrypted/],
  ['of the kind ec', elliptic, /kind ec\. Use an RSA key/],
  ['of the kind ed25519', edwards, /kind ed25519\. Use an RSA key/],
  ['that is the public one', publicKey, /contains no private key/],
  ['that is none', 'dkim', /contains no private key/],
  ['that is not there', undefined, /cannot be read \(ENOENT\)/],
] as const)('with a key %s nothing is sent unsigned', async ([, key, problem]) => {
  await using folder = await temporaryFolder('dkim');
  if (key !== undefined) await writeFile(join(folder.path, 'dkim.key'), key);
  await using server = await smtpPeer({ security: 'none' });
  const options = { folder: folder.path };
  await expect(openOutbound(smtpOut, given(server.port), options)).rejects.toMatchObject({
    code: 'ADAPTER_DISABLED',
    message: expect.stringMatching(problem),
  });
  const steps = await testSteps(smtpOut, given(server.port), options);
  expect(steps.at(-1)).toMatchObject({ name: 'DKIM', result: 'failed' });
  expect(server.mails).toEqual([]);
});
