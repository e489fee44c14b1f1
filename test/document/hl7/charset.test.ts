import { expect, test } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';

function message(charset: string, name: string | Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5||||||${charset}\rPID|1||1||`, 'latin1'),
    typeof name === 'string' ? Buffer.from(name, 'latin1') : name,
    Buffer.from('^J\r'),
  ]);
}

test.for([
  ['UNICODE UTF-8', Buffer.from('Müller'), 'Müller'],
  ['UNICODE UTF-8~8859/1', Buffer.from('Müller'), 'Müller'],
  ['8859/1', 'M\xfcller', 'Müller'],
  ['8859/15', '\xa4', '€'],
  ['8859/2', '\xb1', 'ą'],
  ['8859/5', '\xb0', 'А'],
  ['windows-1252', '\x80', '€'],
  ['ISO8859-1', '\xfc', 'ü'],
  ['ISO IR6', 'DOE', 'DOE'],
  ['GB 18030-2000', Buffer.from([0xd6, 0xd0]), '中'],
  ['KS X 1001', Buffer.from([0xb0, 0xa1]), '가'],
  ['BIG-5', Buffer.from([0xa4, 0xa4]), '中'],
  ['', Buffer.from('Müller'), 'Müller'],
  ['', 'M\xfcller', 'Müller'],
] as const)('MSH-18 %j is read as declared', ([charset, bytes, text]) => {
  const body = message(charset, bytes);
  const document = hl7Document(body);
  expect(document.get('PID-5.1')).toBe(text);
  document.set('MSH-3', 'X');
  const changed = hl7Document(document.bytes());
  expect(changed.get('PID-5.1')).toBe(text);
  expect(Buffer.from(document.bytes()).subarray(-10).equals(body.subarray(-10))).toBe(true);
});

test('a trail byte that looks like a delimiter does not divide a character', () => {
  // Big-5 writes 功 as A5 5C, whose second byte is a backslash.
  const document = hl7Document(message('BIG-5', Buffer.from([0xa5, 0x5c, 0xa5, 0x5c])));
  expect(document.get('PID-5.1')).toBe('功功');
  expect(document.get('PID-5.2')).toBe('J');
});

test('what the caller knows counts where the message says nothing', () => {
  const body = message('', '\x80');
  expect(hl7Document(body, 'windows-1252').get('PID-5.1')).toBe('€');
  expect(hl7Document(message('8859/1', '\xfc'), 'windows-1251').get('PID-5.1')).toBe('ü');
});

test('a value is written in the charset of the message', () => {
  const document = hl7Document(message('8859/1', 'DOE'));
  document.set('PID-5.1', 'Müller');
  expect(Buffer.from(document.bytes()).includes(Buffer.from('M\xfcller', 'latin1'))).toBe(true);
  expect(() => document.set('PID-5.1', 'Łódź')).toThrow(
    expect.objectContaining({
      code: 'MESSAGE_INVALID',
      message: expect.stringContaining('Set MSH-18 to "UNICODE UTF-8"'),
    }),
  );
  expect(document.get('PID-5.1')).toBe('Müller');
});

test('another MSH-18 writes the whole message in that charset', () => {
  const document = hl7Document(message('8859/1', 'M\xfcller'));
  document.set('MSH-18', 'UNICODE UTF-8');
  document.set('PID-5.2', 'Łódź');
  const changed = hl7Document(document.bytes());
  expect([changed.get('PID-5.1'), changed.get('PID-5.2')]).toEqual(['Müller', 'Łódź']);
  expect(changed.charset.name).toBe('utf-8');
  for (const name of ['8859/1', 'ISO IR 999', 'UNICODE UTF-16']) {
    expect(() => changed.set('MSH-18', name)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_INVALID' }),
    );
  }
});
