import { expect, test } from 'vitest';
import { csvValue } from '../../src/web/csv.ts';

test.for([
  ['Doe^John', 'Doe^John'],
  ['a "b"', '"a ""b"""'],
  [-5, '-5'],
  [undefined, ''],
  ['=1+1', "'=1+1"],
  [' =1+1', "' =1+1"],
  ['＝1+1', "'＝1+1"],
  ['\t=1', `"\t'=1"`],
  // a spreadsheet of a German machine divides at semicolons, whatever is quoted
  ["Doe;=cmd|'/C calc'!A0;", `"Doe;'=cmd|'/C calc'!A0;"`],
  ['Doe\r\n@SUM(A1)', `"Doe\r\n'@SUM(A1)"`],
  ['a = b', 'a = b'],
] as const)('%j is written as %j, which is no formula anywhere', ([value, written]) => {
  expect(csvValue(value)).toBe(written);
});
