import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFaultAt } from '../../../src/document/json/json-text.ts';

test.for([
  ['{"a":}', 5],
  ['[1,]', 3],
  ['{"a" 1}', 5],
  ['{"a":1,}', 7],
  ['{a:1}', 1],
  ['[1 2]', 3],
  ['nul', 0],
  ['[01]', 2],
  ['"a\nb"', 2],
  ['"a\\qb"', 2],
  ['"a\\u12g4"', 2],
  ['"never closed', 13],
  ['{"a', 3],
  ['[1', 2],
  ['', 0],
  ['1 1', 2],
  ['}', 0],
  ['[1}', 2],
  ['"', 1],
] as const)('%j is wrong at %i', ([text, at]) => {
  expect(jsonFaultAt(text)).toBe(at);
});

test('it stops at the end of valid JSON and ends for any text', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(jsonFaultAt(text)).toBe(text.length);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:\\ 1tu')) }), (text) => {
      expect(jsonFaultAt(text)).toBeLessThanOrEqual(text.length);
    }),
  );
});

test('deep nesting and long strings are no problem', () => {
  expect(jsonFaultAt('['.repeat(200_000))).toBe(200_000);
  expect(jsonFaultAt(`["${'x'.repeat(5_000_000)}" 1]`)).toBe(5_000_004);
});
