import { expect, test } from 'vitest';
import {
  ASCII,
  charsetNamed,
  decodeFaithfully,
  firstInvalidUtf8,
  LATIN1,
  UTF8,
} from '../../src/document/charset.ts';

test.for([
  ['UTF-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['ISO-8859-1', 'iso-8859-1'],
  ['windows-1252', 'windows-1252'],
  ['ISO-8859-15', 'iso-8859-15'],
  ['gb18030', 'gb18030'],
  ['us-ascii', 'us-ascii'],
] as const)('%s is a charset', ([name, iana]) => {
  expect(charsetNamed(name)?.name).toBe(iana);
});

test.for(['utf-16', 'utf-7', 'base64', 'hex', 'klingon', '', undefined])('%s is none', (name) => {
  expect(charsetNamed(name)).toBeUndefined();
});

test('bytes that do not fit a charset are read so that none is lost', () => {
  const bytes = Buffer.from([0x4d, 0xfc, 0x81]);
  for (const wanted of [undefined, UTF8, ASCII, charsetNamed('windows-1252')]) {
    const { text, charset, invalidAt } = decodeFaithfully(bytes, wanted);
    expect(charset).toBe(LATIN1);
    expect(invalidAt).toBeGreaterThan(0);
    expect(text).not.toContain('\uFFFD');
    expect(charset.encode(text).equals(bytes)).toBe(true);
  }
});

test('bytes that fit are read as declared', () => {
  expect(decodeFaithfully(Buffer.from([0x80]), charsetNamed('windows-1252')).text).toBe('€');
  expect(decodeFaithfully(Buffer.from([0xfc]), LATIN1).text).toBe('ü');
  expect(decodeFaithfully(Buffer.from('ü'), ASCII)).toMatchObject({
    text: 'ü',
    charset: UTF8,
    invalidAt: 0,
  });
});

test.for([
  [[0x41, 0xc3, 0xbc], -1],
  [[0x41, 0xfc, 0x41], 1],
  [[0xe2, 0x82], 0],
  [[0x41, 0x80], 1],
  [[0xf0, 0x9f, 0x98, 0x80, 0xff], 4],
] as const)('the first invalid byte of %j is at %i', ([bytes, at]) => {
  expect(firstInvalidUtf8(Uint8Array.from(bytes))).toBe(at);
});

test('not every spelling that a sender finds for a charset is kept', () => {
  const first = charsetNamed('windows-1250');
  expect(first).toBeDefined();
  for (const mark of ['-', '_', '.']) {
    for (let times = 2; times < 80; times++) {
      expect(charsetNamed(`windows${mark.repeat(times)}1250`)).toBeDefined();
    }
  }
  expect(charsetNamed('windows-1250')).toBeDefined();
  expect(charsetNamed('windows-1250')).not.toBe(first);
});

test('no name of a charset is as long as a message', () => {
  expect(charsetNamed(`iso-8859-2${'-'.repeat(1_000_000)}`)).toBeUndefined();
});
