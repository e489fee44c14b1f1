import { expect, test } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

const ADT = hl7(
  MSH,
  'EVN|A01|20260101120000',
  'PID|1||123^^^H&1.2.3&ISO^MR~456^^^X^SS||M\\T\\M^JO\\S\\HN||19610615|""|',
  'NK1|1|A',
  'NK1|2|B^C',
  'PV1|1|I|W^1^2',
  'OBX|1|ST|a||x~y',
  'OBX|2|NM|b||',
  'OBX|3|NM|c||5',
  'ZXX|own|value',
);

test.for([
  ['PID-1', '1'],
  ['PID-3', '123^^^H&1.2.3&ISO^MR'],
  ['PID-3.1', '123'],
  ['PID-3.1.1', '123'],
  ['PID-3.1.2', ''],
  ['PID-3.4', 'H&1.2.3&ISO'],
  ['PID-3.4.2', '1.2.3'],
  ['PID-3[2].1', '456'],
  ['PID-3[2]', '456^^^X^SS'],
  ['PID-3[3].1', ''],
  ['PID-3[*].1', '123'],
  ['PID-5.1', 'M&M'],
  ['PID-5.2', 'JO^HN'],
  ['PID-5.9', ''],
  ['PID-8', '""'],
  ['PID-9', ''],
  ['PID-40', ''],
  ['NK1[2]-2.2', 'C'],
  ['NK1[3]-2', ''],
  ['NK1-2', 'A'],
  ['OBX[3]-5', '5'],
  ['ZXX-2', 'value'],
  ['QQQ-1', ''],
  ['MSH-1', '|'],
  ['MSH-2', '^~\\&'],
  ['MSH-2.1', '^~\\&'],
  ['MSH-2.2', ''],
  ['MSH-3', 'APP'],
  ['MSH-9.2', 'A01'],
  ['MSH-12', '2.5.1'],
  ['EVN', 'EVN|A01|20260101120000'],
] as const)('%s reads %j', ([path, value]) => {
  expect(hl7Document(ADT).get(path)).toBe(value);
});

test('all values of a path come from every segment and repetition, without the empty ones', () => {
  const document = hl7Document(ADT);
  expect(document.all('PID-3.1')).toEqual(['123', '456']);
  expect(document.all('PID-3[2].1')).toEqual(['456']);
  expect(document.all('OBX-5')).toEqual(['x', 'y', '5']);
  expect(document.all('OBX[1]-5')).toEqual(['x', 'y']);
  expect(document.all('OBX[*]-5[2]')).toEqual(['y']);
  expect(document.all('NK1')).toEqual(['NK1|1|A', 'NK1|2|B^C']);
  expect(document.all('QQQ-1')).toEqual([]);
  expect(document.all('MSH-2')).toEqual(['^~\\&']);
});

test('an HL7 null stands there and an empty field does not', () => {
  const document = hl7Document(ADT);
  expect(document.has('PID-8')).toBe(true);
  expect(document.has('PID-9')).toBe(false);
  expect(document.has('PV1')).toBe(true);
  expect(document.has('OBX-5')).toBe(true);
  expect(document.has('OBX[2]-5')).toBe(false);
});

test('segments are counted and listed', () => {
  const document = hl7Document(ADT);
  expect(document.segmentCount()).toBe(10);
  expect(document.segmentCount('OBX')).toBe(3);
  expect(document.segmentCount('QQQ')).toBe(0);
  expect(document.segments('NK1').map(({ text }) => text)).toEqual(['NK1|1|A', 'NK1|2|B^C']);
  expect(document.segments().map(({ name }) => name)).toContain('ZXX');
});

test('raw gives the characters as they stand', () => {
  const document = hl7Document(ADT);
  expect(document.raw('PID-3')).toBe('123^^^H&1.2.3&ISO^MR~456^^^X^SS');
  expect(document.raw('PID-3[2]')).toBe('456^^^X^SS');
  expect(document.raw('PID-5.1')).toBe('M\\T\\M');
  expect(document.raw('MSH-1')).toBe('|');
  expect(document.raw('QQQ-1')).toBe('');
});

test.for([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
] as const)('segments that end with %s are read', ([, lineEnd]) => {
  const document = hl7Document(Buffer.from([MSH, 'PID|1|x', 'PV1|1|I'].join(lineEnd)));
  expect(document.get('PV1-2')).toBe('I');
  expect(document.get('PID-2')).toBe('x');
  expect(document.get('MSH-12')).toBe('2.5.1');
  document.set('PID-2', 'y');
  document.append('ZZZ', { 1: 'z' });
  expect(document.text()).toBe(`${MSH}${lineEnd}PID|1|y${lineEnd}PV1|1|I${lineEnd}ZZZ|z${lineEnd}`);
});

test('where CR ends segments, LF is part of a value', () => {
  const document = hl7Document(hl7(MSH, 'OBX|1|TX|a||first\nMSH|second', 'PV1|1|I'));
  expect(document.get('OBX-5')).toBe('first\nMSH');
  expect(document.segmentCount('MSH')).toBe(1);
  expect(document.get('PV1-2')).toBe('I');
});

test('a byte order mark, leading blanks, blank lines and indentation are tolerated and kept', () => {
  const bytes = Buffer.from(`\uFEFF \r\n${MSH}\r\r  PID|1|x\r\r`);
  const document = hl7Document(bytes);
  expect(document.get('MSH-10')).toBe('N1');
  expect(document.get('PID-2')).toBe('x');
  document.set('PID-2', 'y');
  expect(document.text()).toBe(`\uFEFF \r\n${MSH}\r\r  PID|1|y\r\r`);
});

test('lines that are no segments are kept and not found', () => {
  const document = hl7Document(hl7(MSH, 'OBX|1|TX|a||one', 'second line', 'PV1|1|I'));
  expect(document.segments().map(({ name }) => name)).toEqual(['MSH', 'OBX', 'PV1']);
  document.set('PV1-2', 'O');
  expect(document.text()).toContain('second line\rPV1|1|O\r');
});

test.for([
  ['nothing', ''],
  ['blanks', ' \r\n'],
  ['other text', 'this is not hl7'],
  ['unusable delimiters', 'MSH||~\\&|A'],
  ['equal delimiters', 'MSH|^^\\&|A'],
  ['letters as delimiters', 'MSHAbcdeA'],
  ['UTF-16', '\uFEFFM\0S\0H\0|\0'],
] as const)('a body with %s is not readable', ([, text]) => {
  expect(() => hl7Document(Buffer.from(text, 'latin1'))).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_UNREADABLE' }),
  );
});

test('other delimiters and missing ones are respected', () => {
  const document = hl7Document(Buffer.from('MSH$%*!?$A$B\rPID$1$$123%X*456%Y$$D!S!OE?SUB%J\r'));
  expect(document.get('PID-3[2].2')).toBe('Y');
  expect(document.get('PID-5.1')).toBe('D!S!OE?SUB');
  expect(document.get('PID-5.1.1')).toBe('D%OE');
  const short = hl7Document(Buffer.from('MSH|^~|A\rPID|1|a\\F\\b^c&d\r'));
  expect(short.get('PID-2.1')).toBe('a\\F\\b');
  expect(short.get('PID-2.2.1')).toBe('c&d');
});
