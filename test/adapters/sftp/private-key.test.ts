import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { readPrivateKey } from '../../../adapters/ssh/ssh-sign-in.ts';

const PASSPHRASE = 'QZXPASSPHRASE';

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ed25519: generateKeyPairSync('ed25519'),
};

function pkcs8(kind: keyof typeof pairs, passphrase?: string): string {
  return pairs[kind].privateKey
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
}

describe('keys that openssl writes (PKCS#8)', () => {
  test('the library refuses them: without the conversion nobody could sign in with one', () => {
    for (const kind of ['rsa', 'ec', 'ed25519'] as const) {
      expect(ssh2.utils.parseKey(pkcs8(kind))).toBeInstanceOf(Error);
    }
  });

  test.for(['rsa', 'ec', 'ed25519'] as const)('a %s key signs like the original', (kind) => {
    for (const passphrase of [undefined, PASSPHRASE]) {
      const key = readPrivateKey(pkcs8(kind, passphrase), passphrase);
      const data = Buffer.from('to be signed');
      const theirs = ssh2.utils.parseKey(publicLine(key.type, key.getPublicSSH()));
      if (theirs instanceof Error || Array.isArray(theirs)) throw new Error('no public key');
      expect(theirs.verify(data, key.sign(data))).toBe(true);
      expect(publicPem(key.getPublicPEM())).toBe(
        publicPem(pairs[kind].publicKey.export({ type: 'spki', format: 'pem' }).toString()),
      );
    }
  });
});

describe('a key that cannot be used is refused with what to do', () => {
  const encrypted = pkcs8('ed25519', PASSPHRASE);
  const dh = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  test.for([
    ['encrypted, without passphrase', encrypted, undefined, /is encrypted\. Add its passphrase/],
    ['with a wrong passphrase', encrypted, 'wrong', /cannot be opened with the passphrase/],
    ['damaged', pkcs8('rsa').replace(/\n[^\n]{20}/, '\n'), undefined, /damaged\. Copy the whole/],
    ['of a kind SSH does not know', dh.toString(), undefined, /kind x25519.*ssh-keygen -t/],
    ['a public key', publicOf('ed25519'), undefined, /is a public key\. Give the file without/],
    ['PuTTY version 3', 'PuTTY-User-Key-File-3: ssh-ed25519\n', undefined, /PuTTYgen/],
    ['no key at all', 'hello', undefined, /is not a private key\. Give the text/],
    ['empty', '', undefined, /is not a private key/],
  ] as const)('%s', ([, text, passphrase, message]) => {
    let thrown: unknown;
    try {
      readPrivateKey(text, passphrase);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ADAPTER_DISABLED', retryable: false });
    expect(String(thrown)).toMatch(message);
    expect(JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))).not.toContain(PASSPHRASE);
  });
});

function publicOf(kind: keyof typeof pairs): string {
  const key = readPrivateKey(pkcs8(kind), undefined);
  return publicLine(key.type, key.getPublicSSH());
}

function publicLine(type: string, key: Buffer): string {
  return `${type} ${key.toString('base64')}`;
}

function publicPem(text: string): string {
  return text.replaceAll(/\s/g, '');
}
