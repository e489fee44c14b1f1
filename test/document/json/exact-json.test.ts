import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../../src/document/in-turns.ts';
import { exactJson, writesBack } from '../../../src/document/json/exact-json.ts';
import { readingJsonValue, writingJsonValue } from '../../../src/document/json/value-in-turns.ts';
import { examples } from '../../support/examples.ts';

/** Numbers in all the ways in which JSON may write them. */
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,24}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,20}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
  )
  .map((parts) => parts.join(''));

const { value: written } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    number,
    fc.string().map((text) => JSON.stringify(text)),
    fc.constantFrom('null', 'true', '"1.50"', '[1.50,"a:2.0"]'),
    fc.array(tie('value')).map((all) => `[${all.join(',')}]`),
    fc.array(tie('value')).map((all) => `{${all.map((one, at) => `"${at}n":${one}`).join(',')}}`),
  ),
}));

test('each number is written again as it came, and nothing else differs from the platform', () => {
  fc.assert(
    fc.property(written, (text) => {
      expect(JSON.stringify(exactJson(text))).toBe(text);
      expect(JSON.stringify(exactJson(` ${text} `))).toBe(text);
      expect(!writesBack(text) || isDeepStrictEqual(exactJson(text), JSON.parse(text))).toBe(true);
    }),
    { numRuns: examples(300) },
  );
});

test('so it is where a large value is read and written in turns', () => {
  const many = Array.from(
    { length: 3_000 },
    (_, at) => `{"n":${at}.50,"id":1${at}00000000000000000001}`,
  );
  const text = `{"first":1.0,"entry":[${many.join(',')}],"last":{"deep":2e5}}`;
  const value = atOnce(readingJsonValue(text, 'exactly')) as object;
  expect(atOnce(writingJsonValue(value))).toBe(text);
});

test.each(['1.5', '[0,-1,12345678901]', '"1.50"', '{"a":0.1}'])(
  '%s needs no second look',
  (text) => {
    expect(writesBack(text)).toBe(true);
  },
);
