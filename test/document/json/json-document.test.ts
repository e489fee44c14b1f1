import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonDocument } from '../../../src/document/json/json-document.ts';

const TEXT = `{
  "id": 12345678901234567890,
  "name": {"family": "M\\u00fcller", "given": ["Ann", "Bea"]},
  "active": true,
  "a/b": {"m~n": "odd"},
  "gone": null,
  "entry": [{"v": 1.50}, {"v": 2}, {"w": 3}]
}
`;

const read = (path: string): string => jsonDocument(Buffer.from(TEXT)).get(path);

test.for([
  ['/id', '12345678901234567890'],
  ['/name/family', 'Müller'],
  ['/name/given/1', 'Bea'],
  ['/name/given', '["Ann", "Bea"]'],
  ['/active', 'true'],
  ['/a~1b/m~0n', 'odd'],
  ['/gone', ''],
  ['/entry/0/v', '1.50'],
  ['/entry/*/v', '1.50'],
  ['/entry/9/v', ''],
  ['/name/given/x', ''],
  ['/id/below', ''],
] as const)('%s reads %j', ([path, value]) => {
  expect(read(path)).toBe(value);
});

test('all values of an array, and of every element on the way', () => {
  const document = jsonDocument(Buffer.from(TEXT));
  expect(document.all('/name/given')).toEqual(['Ann', 'Bea']);
  expect(document.all('/entry/*/v')).toEqual(['1.50', '2']);
  expect(document.all('/nothing')).toEqual([]);
  expect(document.has('/gone')).toBe(true);
  expect(document.has('/nothing')).toBe(false);
});

function changed(change: (document: ReturnType<typeof jsonDocument>) => void): string {
  const document = jsonDocument(Buffer.from(TEXT));
  change(document);
  return Buffer.from(document.bytes()).toString();
}

test.for([
  ['/name/family', 'X"', '"M\\u00fcller"', '"X\\""'],
  ['/id', '7', '12345678901234567890', '7'],
  ['/id', 'seven', '12345678901234567890', '"seven"'],
  ['/active', 'false', 'true', 'false'],
  ['/active', 'no', 'true', '"no"'],
  ['/entry/1/v', '2.0', '{"v": 2}', '{"v": 2.0}'],
  ['/name/given/2', 'Cy', '"Bea"]', '"Bea", "Cy"]'],
  ['/name/given/-', 'Cy', '"Bea"]', '"Bea", "Cy"]'],
  ['/name/text', 'x', '["Ann", "Bea"]}', '["Ann", "Bea"], "text":"x"}'],
] as const)('writing %s as %j touches nothing else', ([path, value, before, after]) => {
  expect(changed((document) => document.set(path, value))).toBe(TEXT.replace(before, after));
});

test('a new member is laid out like the others, with what is missing on the way', () => {
  expect(changed((document) => document.set('/new/list/0/x', 'y'))).toBe(
    TEXT.replace('{"w": 3}]', '{"w": 3}],\n  "new":{"list":[{"x":"y"}]}'),
  );
});

test.for([
  ['/id', '"id": 12345678901234567890,\n  ', ''],
  ['/name/given/0', '"Ann", ', ''],
  ['/name/given/1', ', "Bea"', ''],
  ['/entry', ',\n  "entry": [{"v": 1.50}, {"v": 2}, {"w": 3}]', ''],
  ['/entry/*/v', '{"v": 1.50}, {"v": 2}', '{}, {}'],
  ['/nothing', '', ''],
] as const)('removing %s touches nothing else', ([path, before, after]) => {
  expect(changed((document) => document.remove(path))).toBe(TEXT.replace(before, after));
});

test('of a repeated name the last one counts, as everywhere', () => {
  expect(jsonDocument(Buffer.from('{"a":1,"a":2}')).get('/a')).toBe('2');
});

test('a byte order mark and UTF-8 are kept, unchanged bytes are the same', () => {
  const bytes = Buffer.from('\uFEFF{"a":"ü"}');
  const document = jsonDocument(bytes);
  expect(document.get('/a')).toBe('ü');
  expect(document.bytes()).toBe(bytes);
  document.set('/a', 'ö');
  expect(Buffer.from(document.bytes()).toString()).toBe('\uFEFF{"a":"ö"}');
});

test.for([
  ['a', 'begins with /'],
  ['/a~2', 'position 3'],
] as const)('the pointer %s is refused', ([path, why]) => {
  expect(() => jsonDocument(Buffer.from('{}')).get(path)).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining(why) }),
  );
});

test.for([
  ['/list/7', 'the array has 1 elements'],
  ['/text/x', 'cannot have parts'],
] as const)('a place that cannot be made is refused: %s', ([path, why]) => {
  expect(() => jsonDocument(Buffer.from('{"list":[1],"text":"t"}')).set(path, 'x')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining(why) }),
  );
});

test.for([
  ['{"a":}', 'line 1, column 6'],
  ['{\n "a": 1,\n}', 'line 3, column 1'],
  ['', 'line 1, column 1'],
  ['{"a": 1', 'line 1, column 8'],
] as const)('%j is unreadable at %s', ([text, place]) => {
  expect(() => jsonDocument(Buffer.from(text))).toThrow(
    expect.objectContaining({
      code: 'DOCUMENT_UNREADABLE',
      message: expect.stringContaining(place),
    }),
  );
});

const pointer = (keys: readonly string[]): string =>
  keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

test('every value of any JSON is found, and what is written is read again', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 4 }).filter((text) => text !== '*');
  const json = fc.dictionary(key, fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 })));
  fc.assert(
    fc.property(
      json,
      key,
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(0, 2),
      (object, name, value, indent) => {
        const document = jsonDocument(Buffer.from(JSON.stringify(object, null, indent)));
        for (const [member, content] of Object.entries(object)) {
          expect(document.all(pointer([member]))).toEqual([content].flat());
        }
        document.set(pointer([name]), value);
        const after = JSON.parse(Buffer.from(document.bytes()).toString()) as Record<
          string,
          unknown
        >;
        expect(after[name]).toBe(value);
        document.remove(pointer([name]));
        const rest = JSON.parse(Buffer.from(document.bytes()).toString()) as object;
        expect(rest).toEqual(
          Object.fromEntries(Object.entries(object).filter(([one]) => one !== name)),
        );
      },
    ),
  );
});
