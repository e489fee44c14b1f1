import { expect, test } from 'vitest';
import { pattern, patternProblem } from '../../../src/document/text/pattern.ts';
import { processorTime } from '../../support/processor-time.ts';

test.for([
  ['(a+)+b', 'a'.repeat(100_000)],
  ['(a|a)*b', 'a'.repeat(100_000)],
  ['x*x*x*y', 'x'.repeat(100_000)],
  [String.raw`^(\w+\s?)*$`, `${'word '.repeat(10_000)}!`],
  ['([a-z]+)*@', 'abcdefghij'.repeat(25)],
] as const)('%s takes no longer than its text is long', ([source, text]) => {
  const began = processorTime();
  expect(pattern(source).test(text)).toBe(false);
  expect(pattern(source).first(text)).toBeUndefined();
  expect(pattern(source).replaceAll(text, '-')).toBe(text);
  expect(processorTime() - began).toBeLessThan(3_000);
});

const TEXTS = [
  '',
  'abc',
  'Grüße 12-34',
  'a\rb\nc',
  'x\u00a0y \u2028z',
  '10.5 mmol/l',
  'a/b[c]',
  '😀 ok',
];
const SOURCES = [
  'a',
  '^a.c$',
  String.raw`\d+-\d+`,
  String.raw`\s`,
  String.raw`[\s/]`,
  String.raw`[^\s]+`,
  String.raw`\S+`,
  '.',
  String.raw`\p{Lu}\p{L}*`,
  String.raw`\u00e4|\u{fc}`,
  String.raw`(\d+)\.(\d)`,
  String.raw`a\/b`,
  'b?',
  String.raw`\[c\]`,
  '(x)?(y)',
];

test.for(SOURCES)('%s matches as the run time does, on short and long texts', (source) => {
  for (const text of TEXTS) {
    for (const long of [text, text + '#'.repeat(300)]) {
      const found = new RegExp(source, 'u').exec(long);
      expect([pattern(source).first(long)?.[0], pattern(source).first(long)?.[1]]).toEqual([
        found?.[0],
        found?.[1],
      ]);
      expect(pattern(source).replaceAll(long, '<$&$$>')).toBe(
        long.replaceAll(new RegExp(source, 'gu'), '<$&$$>'),
      );
    }
  }
});

test.for([
  ['(?=a)', 'looks around'],
  [String.raw`(a)\1`, 'refers back'],
  ['(', 'not valid'],
  ['a'.repeat(2_000), 'longer than 1000'],
] as const)('%s is refused', ([source, why]) => {
  expect(patternProblem(source)).toContain(why);
});

test('what RE2 knows beyond the run time is taken', () => {
  expect(pattern('(?i)abc').test('xABC')).toBe(true);
});

test('a replacement does not fill the memory', () => {
  expect(() => pattern('a').replaceAll('a'.repeat(100_000), 'x'.repeat(1_000))).toThrow('too long');
});
