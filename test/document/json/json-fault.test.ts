import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../../src/document/in-turns.ts';
import { partsOf } from '../../../src/document/json/json-node.ts';
import { findingJsonFault } from '../../../src/document/json/json-text.ts';
import { readingJson } from '../../../src/document/json/read-json.ts';
import { examples } from '../../support/examples.ts';

const jsonFaultAt = (text: string): number => atOnce(findingJsonFault(text));

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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('what is read in turns is valid for the platform too, and nothing else is', () => {
  const units = ['{', '}', '[', ']', ',', ':', '"a"', '"\\u0041"', '"\\x"', '"\t"', '"', '\\'];
  const others = ['1', '-0.5e3', '01', '1.', '-', 'true', 'nul', ' ', '\n', '\u00a0', '\0'];
  const unit = fc.constantFrom(...units, ...others);
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      expect(atOnce(readingJson(text)) !== undefined).toBe(isJson(text));
    }),
    { numRuns: examples(3_000) },
  );
});

test('large values in a large one are opened as they are written', () => {
  const inner = `[ ${'{"a" : [1, 2]},\n'.repeat(8_000)}3 ]`;
  const text = ` {"x\\"y" : ${inner} ,"empty":[ ], "one":{"b":${inner}}}\n`;
  const read = atOnce(readingJson(text));
  const root = read && partsOf(read.node);
  expect(text.slice(read?.from, read?.to)).toBe(text.trim());
  const names = ['x"y', 'empty', 'one'];
  expect(names.map((name) => root?.indexOf(name))).toEqual([0, 1, 2]);
  expect(root?.nodes().map((node) => partsOf(node)?.length)).toEqual([8_001, 0, 1]);
  // written again from its members
  expect(root?.written()).toBe(text.trim());
});
