import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { delimitedDocument } from '../../../src/document/delimited/delimited-document.ts';

const TEXT = 'id,name,"a, note"\r\n1,"Müller, ""Ann""",x\r\n2,Bea,"two\r\nlines"\r\n3,,\r\n';
const csv = (text: string, header = true): ReturnType<typeof delimitedDocument> =>
  delimitedDocument(Buffer.from(text), { header });

test.for([
  ['name', 'Müller, "Ann"'],
  ['2', 'Müller, "Ann"'],
  ['[2]/name', 'Bea'],
  ['[2]/a, note', 'two\r\nlines'],
  ['[2]/3', 'two\r\nlines'],
  ['[3]/name', ''],
  ['[9]/name', ''],
  ['nothing', ''],
  ['9', ''],
  ['[2]', '2,Bea,"two\r\nlines"'],
] as const)('%s reads %j', ([path, value]) => {
  expect(csv(TEXT).get(path)).toBe(value);
});

test('all values of a column come from every row that has one', () => {
  const document = csv(TEXT);
  expect(document.all('name')).toEqual(['Müller, "Ann"', 'Bea']);
  expect(document.all('[*]/id')).toEqual(['1', '2', '3']);
  expect(document.all('[2]/id')).toEqual(['2']);
  expect(document.has('name')).toBe(true);
  expect(document.has('[3]/name')).toBe(false);
  expect([document.rowCount, document.columns]).toEqual([3, ['id', 'name', 'a, note']]);
});

test('without a header columns have numbers', () => {
  const document = csv('1;a\n2;b\n', false);
  expect(document.get('[2]/2')).toBe('b');
  expect(document.get('2')).toBe('a');
  expect(() => document.set('[1]/name', 'x')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID' }),
  );
});

test.for([
  ['comma', 'a,b\n1,2\n'],
  ['semicolon', 'a;b\n1;2\n'],
  ['tab', 'a\tb\n1\t2\n'],
  ['bar', 'a|b\n1|2\n'],
  ['comma in quotes', '"x,y,z,a";b\n1;2\n'],
] as const)('%s is recognised', ([, text]) => {
  expect(csv(text).get('b')).toBe('2');
});

function changed(change: (document: ReturnType<typeof csv>) => void, text = TEXT): string {
  const document = csv(text);
  change(document);
  return Buffer.from(document.bytes()).toString();
}

test.for([
  ['[2]/name', 'Cy', '2,Bea', '2,Cy'],
  ['[2]/name', 'a,b', '2,Bea', '2,"a,b"'],
  ['[2]/name', 'a"b\n', '2,Bea', '2,"a""b\n"'],
  ['name', 'Cy', '"Müller, ""Ann"""', '"Cy"'],
  ['[3]/3', 'z', '3,,', '3,,z'],
  ['[4]/name', 'D', '3,,\r\n', '3,,\r\n,D\r\n'],
] as const)('writing %s as %j touches nothing else', ([path, value, before, after]) => {
  expect(changed((document) => document.set(path, value))).toBe(TEXT.replace(before, after));
});

test('a column that is new is added, and a star reaches every row', () => {
  expect(changed((document) => document.set('[*]/new', 'n'), 'id\n1\n2\n')).toBe(
    'id,new\n1,n\n2,n\n',
  );
});

test('rows disappear and columns are emptied', () => {
  expect(changed((document) => document.remove('[2]'))).toBe(
    TEXT.replace('2,Bea,"two\r\nlines"\r\n', ''),
  );
  expect(changed((document) => document.remove('id'), 'id,b\n1,2\n3,4\n')).toBe('id,b\n,2\n,4\n');
  expect(changed((document) => document.remove('[*]'), 'id\n1\n2\n')).toBe('id\n');
  expect(changed((document) => document.remove('nothing'), 'id\n1\n')).toBe('id\n1\n');
});

test('a row cannot be left out, and a whole row is no value', () => {
  expect(() => csv(TEXT).set('[9]/id', 'x')).toThrow(
    expect.objectContaining({ message: expect.stringContaining('the next is [4]') }),
  );
  expect(() => csv(TEXT).set('[1]', 'x')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID' }),
  );
});

test.for(['', '[0]/a', '[x]/a', '[1]/', '[a'])('the path %j is refused', (path) => {
  expect(() => csv(TEXT).get(path)).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }));
});

test('a byte order mark and a charset are kept', () => {
  const document = delimitedDocument(Buffer.from('id;n\n1;\x80\n', 'latin1'), {
    header: true,
    charset: 'windows-1252',
  });
  expect(document.get('n')).toBe('€');
  document.set('n', 'ü€');
  expect(Buffer.from(document.bytes()).toString('latin1')).toBe('id;n\n1;\xfc\x80\n');
  expect(() => document.set('n', '日')).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
  expect(csv('\uFEFFid,n\n1,2\n').get('id')).toBe('1');
});

test('a quote that is never closed is unreadable, with its line', () => {
  expect(() => csv('a,b\n1,2\n3,"x\n4,5\n')).toThrow(
    expect.objectContaining({
      code: 'DOCUMENT_UNREADABLE',
      message: expect.stringContaining('line 3'),
    }),
  );
});

test('a copy changes alone', () => {
  const document = csv(TEXT);
  const copy = document.copy();
  copy.set('name', 'x');
  expect(document.get('name')).toBe('Müller, "Ann"');
});

test('what is written is read again and other rows stay byte for byte', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('a",;\r\n ü')) }), (value) => {
      const document = csv(TEXT);
      document.set('[2]/name', value);
      const again = csv(Buffer.from(document.bytes()).toString());
      expect(again.get('[2]/name')).toBe(value);
      expect(again.get('[1]')).toBe('1,"Müller, ""Ann""",x');
      expect(again.rowCount).toBe(3);
    }),
  );
});

test('a last row that was emptied has no line end of its own', () => {
  const document = csv('a\r\nb\r\nc');
  const written = (of: typeof document): string => Buffer.from(of.bytes()).toString();
  document.rewrite((value, row) => (row === 2 ? '' : value));
  expect(written(document)).toBe('a\r\nb\r\n');
  expect(written(document.withRows([1, 2]))).toBe('a\r\nb\r\n\r\n');
  document.set('[2]/a', 'd');
  expect(written(document)).toBe('a\r\nb\r\nd');
});
