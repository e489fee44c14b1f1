import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../../src/document/in-turns.ts';
import { readingJsonValue, writingJsonValue } from '../../../src/document/json/value-in-turns.ts';

const MANY = Array.from({ length: 3_000 }, (_, at) => `{"n":${at},"text":"ä\\u00fc ${at}"}`);

test('a value is the same as the platform makes it, read and written', () => {
  const around = fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', '1', 'a"'), fc.json()));
  fc.assert(
    fc.property(around, (members) => {
      const all = members.map(([name, json]) => `${JSON.stringify(name)} : ${json}`);
      // large enough to be opened
      const text = `{${[...all, `"many":[${MANY.join(', ')}]`, ...all].join(',')}}`;
      const value = atOnce(readingJsonValue(text)) as object;
      expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
      expect(Object.hasOwn(value, '__proto__')).toBe(
        members.some(([name]) => name === '__proto__'),
      );
      expect(atOnce(writingJsonValue({ value, none: undefined, list: [undefined] }))).toBe(
        JSON.stringify({ value, none: undefined, list: [undefined] }),
      );
    }),
    { numRuns: 20 },
  );
});

test('what is no JSON is refused without being quoted', () => {
  expect(() => atOnce(readingJsonValue('{"secret":'))).toThrow(/^$/);
});
