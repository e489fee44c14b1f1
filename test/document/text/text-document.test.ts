import { expect, test } from 'vitest';
import { textDocument } from '../../../src/document/text/text-document.ts';

const TEXT = 'first\r\nsecond\nthird';

test('a text is read as a whole and by lines', () => {
  const document = textDocument(Buffer.from(TEXT));
  expect(document.get('.')).toBe(TEXT);
  expect(document.get('[2]')).toBe('second');
  expect(document.get('[9]')).toBe('');
  expect(document.all('[1]')).toEqual(['first']);
  expect(document.has('[9]')).toBe(false);
});

test.for([
  ['[1]', 'x', 'x\r\nsecond\nthird'],
  ['[3]', 'x', 'first\r\nsecond\nx'],
  ['[4]', 'x', 'first\r\nsecond\nthird\nx'],
  ['.', 'x', 'x'],
] as const)('writing %s leaves the other lines', ([path, value, expected]) => {
  const document = textDocument(Buffer.from(TEXT));
  document.set(path, value);
  expect(Buffer.from(document.bytes()).toString()).toBe(expected);
});

test('a line is removed with its end', () => {
  const document = textDocument(Buffer.from(TEXT));
  document.remove('[1]');
  expect(Buffer.from(document.bytes()).toString()).toBe('second\nthird');
  document.remove('.');
  expect(document.bytes()).toHaveLength(0);
});

test('bytes and charset are kept', () => {
  const bytes = Buffer.from([0xff, 0x00, 0xfc]);
  const document = textDocument(bytes, 'iso-8859-1');
  expect(document.bytes()).toBe(bytes);
  expect(document.copy().bytes()).toBe(bytes);
  document.set('[1]', 'ü');
  expect([...document.bytes()]).toEqual([0xfc]);
  expect(() => document.set('.', '日')).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
});

test('another path is refused', () => {
  expect(() => textDocument(Buffer.from('')).get('PID-3')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID' }),
  );
});
