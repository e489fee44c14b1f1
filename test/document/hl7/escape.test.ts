import { expect, test } from 'vitest';
import { LATIN1, UTF8 } from '../../../src/document/charset.ts';
import { DEFAULT_DELIMITERS } from '../../../src/document/hl7/delimiters.ts';
import { escapeComposite, escapePlain, unescape } from '../../../src/document/hl7/escape.ts';

test.for([
  ['plain', 'plain'],
  ['\\F\\\\S\\\\T\\\\R\\\\E\\', '|^&~\\'],
  ['a\\X0D\\b\\X0A\\', 'a\rb\n'],
  ['\\XC3BC\\', 'ü'],
  ['\\X41426364\\', 'ABcd'],
  ['line\\.br\\next', 'line\\.br\\next'],
  ['\\H\\bold\\N\\', '\\H\\bold\\N\\'],
  ['\\.sp+2\\\\F\\', '\\.sp+2\\|'],
  ['\\C2842\\\\M2459\\\\Zabc\\', '\\C2842\\\\M2459\\\\Zabc\\'],
  ['50\\ off', '50\\ off'],
  ['\\XZZ\\ \\X0\\', '\\XZZ\\ \\X0\\'],
  ['C:\\dir\\F\\x', 'C:\\dir|x'],
  ['\\XFC\\', '\\XFC\\'],
  ['\\P\\', '\\P\\'],
  ['\\', '\\'],
  ['\\\\', '\\\\'],
] as const)('%s means %j', ([written, meant]) => {
  expect(unescape(written, DEFAULT_DELIMITERS, { charset: UTF8 })).toBe(meant);
});

test('hexadecimal bytes are read in the charset of the message', () => {
  expect(unescape('\\XFC\\', DEFAULT_DELIMITERS, { charset: LATIN1 })).toBe('ü');
});

test.for([
  ['plain', 'plain'],
  ['|^&~\\', '\\F\\\\S\\\\T\\\\R\\\\E\\'],
  ['a\r\nb', 'a\\X0D\\\\X0A\\b'],
  ['a\\.br\\b', 'a\\.br\\b'],
  ['\\F\\', '\\E\\F\\E\\'],
  ['\\X0D\\', '\\E\\X0D\\E\\'],
  ['\\H\\F\\', '\\H\\F\\E\\'],
] as const)('the plain text %j is written %s', ([text, written]) => {
  expect(escapePlain(text, DEFAULT_DELIMITERS)).toBe(written);
});

test('a composite keeps its parts and cannot leave its field', () => {
  expect(escapeComposite('a^b&c~d|e\rf\\S\\', DEFAULT_DELIMITERS, 'repetition')).toBe(
    'a^b&c\\R\\d\\F\\e\\X0D\\f\\S\\',
  );
  expect(escapeComposite('a~b', DEFAULT_DELIMITERS, 'field')).toBe('a~b');
});

test('without an escape character a delimiter in a value becomes a blank', () => {
  const none = { ...DEFAULT_DELIMITERS, escape: '', subcomponent: '', encoding: '^~' };
  expect(escapePlain('a|b^c', none)).toBe('a b c');
  expect(unescape('a\\F\\b', none, { charset: UTF8 })).toBe('a\\F\\b');
});
