import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  fingerprint,
  hostKeyPin,
  keyType,
  preferredAlgorithms,
  readPin,
  showHostKey,
} from '../../../adapters/ssh/host-key.ts';

function part(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function key(type: string, content: string): Buffer {
  return Buffer.concat([part(Buffer.from(type)), part(Buffer.from(content))]);
}

const ED25519 = key('ssh-ed25519', 'a key of 32 bytes, more or less.');
const OTHER = key('ssh-ed25519', 'another key of 32 bytes, or so..');
const SHA256 = fingerprint(ED25519);

test('a fingerprint is that of ssh-keygen', () => {
  const hash = createHash('sha256').update(ED25519).digest('base64').replace(/=+$/, '');
  expect(SHA256).toBe(`SHA256:${hash}`);
  expect(keyType(ED25519)).toBe('ssh-ed25519');
});

test.for([
  ['a fingerprint', SHA256, undefined],
  ['a fingerprint with padding', `${SHA256}=`, undefined],
  ['a fingerprint with its type', `ssh-ed25519 ${SHA256}`, 'ssh-ed25519'],
  ['a whole key', `ssh-ed25519 ${ED25519.toString('base64')}`, 'ssh-ed25519'],
  ['a line of ssh-keyscan', `[h]:22 ssh-ed25519 ${ED25519.toString('base64')} c`, 'ssh-ed25519'],
] as const)('reads %s', ([, text, type]) => {
  expect(readPin(text)).toEqual({ fingerprint: SHA256, type });
});

test.for([
  '',
  'SHA256:',
  'SHA256:tooshort',
  'MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48',
  'ssh-ed25519 AAAA',
  `ssh-rsa ${ED25519.toString('base64')}`,
  'any',
])('refuses %j, which would trust nobody or everybody', (text) => {
  expect(readPin(text)).toBeUndefined();
  expect(hostKeyPin.read(text, {} as never)).toMatchObject({ ok: false });
});

test('trusts a pinned key, no other, and none that is revoked', () => {
  const [pin, other] = [{ fingerprint: SHA256, type: undefined }, readPin(fingerprint(OTHER))!];
  expect(showHostKey(ED25519, [other, pin], []).trusted).toBe(true);
  expect(showHostKey(ED25519, [other], []).trusted).toBe(false);
  expect(showHostKey(ED25519, [], []).trusted).toBe(false);
  expect(showHostKey(ED25519, [pin], [pin]).trusted).toBe(false);
});

test('asks for the type of the pinned key first, so that a server with several shows that one', () => {
  expect(preferredAlgorithms([{ fingerprint: SHA256, type: 'ssh-rsa' }])?.slice(0, 3)).toEqual([
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-ed25519',
  ]);
  expect(preferredAlgorithms([{ fingerprint: SHA256, type: undefined }])).toBeUndefined();
});
