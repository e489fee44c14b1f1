import { expect, test } from 'vitest';
import {
  checksum,
  decrypt,
  ENCRYPTION_TYPES,
  encrypt,
  freshKey,
  nFold,
  passwordKey,
} from '../../../src/peer/kerberos/encryption.ts';

test.for([
  ['012345', 8, 'be072631276b1955'],
  ['password', 7, '78a07b6caf85fa'],
  ['Rough Consensus, and Running Code', 8, 'bb6ed30870b7f0e0'],
  ['kerberos', 16, '6b65726265726f737b9b5b2b93132b93'],
  ['Q', 21, '518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15'],
] as const)('n-fold as in RFC 3961 A.1: %s', ([text, size, result]) => {
  expect(nFold(Buffer.from(text), size).toString('hex')).toBe(result.replaceAll(' ', ''));
});

test.for([
  // RFC 3962 B
  [17, 'password', 'ATHENA.MIT.EDUraeburn', 1200, '4c01cd46d632d01e6dbe230a01ed642a'],
  [
    18,
    'password',
    'ATHENA.MIT.EDUraeburn',
    1200,
    '55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a',
  ],
  // RFC 8009 A
  [
    19,
    'password',
    Buffer.from('10df9dd783e5bc8acea1730e74355f61', 'hex'),
    32_768,
    '089bca48b105ea6ea77ca5d2f39dc5e7',
  ],
  [
    20,
    'password',
    Buffer.from('10df9dd783e5bc8acea1730e74355f61', 'hex'),
    32_768,
    '45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467',
  ],
] as const)(
  'the key of a password, as in the RFCs: type %i',
  async ([type, password, salt, rounds, key]) => {
    const parameters = Buffer.alloc(4);
    parameters.writeUInt32BE(rounds);
    const whose =
      typeof salt === 'string'
        ? Buffer.from(salt)
        : Buffer.concat([salt, Buffer.from('ATHENA.MIT.EDUraeburn')]);
    const made = await passwordKey(password, { type, salt: whose, parameters });
    expect(made.value.toString('hex')).toBe(key);
  },
);

test.for([
  [19, '3705d96080c17728a0e800eab6e0d23c', 'd78367186643d67b411cba9139fc1dee'],
  [
    20,
    '6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52',
    '45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a',
  ],
] as const)('a checksum, as in RFC 8009 A: type %i', ([type, key, sum]) => {
  const text = Buffer.from(Array.from({ length: 21 }, (_, n) => n));
  const made = checksum({ type, value: Buffer.from(key, 'hex') }, 2, text);
  expect(made.value.toString('hex')).toBe(sum);
});

test.for([
  ['', 'ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718'],
  ['000102030405', '84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c'],
  [
    '000102030405060708090a0b0c0d0e0f',
    '3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3',
  ],
] as const)('decrypts what RFC 8009 A encrypted: %s', ([text, encrypted]) => {
  const key = { type: 19, value: Buffer.from('3705d96080c17728a0e800eab6e0d23c', 'hex') };
  expect(decrypt(key, 2, Buffer.from(encrypted, 'hex'))?.toString('hex')).toBe(text);
});

test.for([...ENCRYPTION_TYPES])(
  'what is encrypted comes back, unless a bit changed: type %i',
  (type) => {
    const key = freshKey(type);
    for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 1000]) {
      const text = Buffer.alloc(length, 7);
      const bytes = encrypt(key, 3, text);
      expect(decrypt(key, 3, bytes)).toEqual(text);
      expect(decrypt(key, 4, bytes)).toBeUndefined();
      expect(decrypt(freshKey(type), 3, bytes)).toBeUndefined();
      for (const at of [0, 16, bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(decrypt(key, 3, changed)).toBeUndefined();
      }
    }
    expect(decrypt(key, 3, Buffer.alloc(5))).toBeUndefined();
  },
);

test('a password is not derived for as long as whoever answers wishes', async () => {
  const parameters = Buffer.of(0x7f, 0xff, 0xff, 0xff);
  await expect(passwordKey('x', { type: 18, salt: Buffer.from('s'), parameters })).rejects.toThrow(
    /rounds/,
  );
});
