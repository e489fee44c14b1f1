import { expect, test } from 'vitest';
import { ADMISSION, scopeOf, valueOf } from '../../support/subject-message.ts';

const scope = scopeOf(ADMISSION);

test.for<[string, unknown]>([
  ['number(" 11.5 ")', 11.5],
  ['number("-.5e1")', -5],
  ['number("1,5", -1)', -1],
  ['number("", 0.5)', 0.5],
  ['isNumber("0x10")', false],
  ['isNumber("")', false],
  ['isNumber("7")', true],
  ['round(2.345, 2)', 2.35],
  ['fixed(2.5, 2)', '2.50'],
  ['fixed(number("7") * 2, 0)', '14'],
  ['1.5 + 1', 2.5],
  ['3 - 0.5', 2.5],
  ['number("3") / 2', 1.5],
  ['2 != number("2")', false],
])('%s', ([source, value]) => {
  expect(valueOf(source, scope)).toEqual(value);
});
