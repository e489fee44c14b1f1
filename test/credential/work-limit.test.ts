import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { tooManyRounds } from '../../src/credential/inspect/key-material.ts';

test('ciphers are not read as rounds, whatever their bytes are', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const der = privateKey.export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  });
  // the cipher is the last element, of 64 bytes
  for (let tries = 0; tries < 20_000; tries++) {
    randomBytes(64).copy(der, der.length - 64);
    expect(tooManyRounds(der)).toBe(false);
  }
});
