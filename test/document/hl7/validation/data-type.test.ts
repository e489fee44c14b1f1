import { expect, test } from 'vitest';
import { fitsType } from '../../../../src/document/hl7/validation/check-fields.ts';

test.for([
  ['NM', ['1', '-1.5', '+2', '.5', '3.', ' 7 '], ['1,5', 'abc', '-', '1 2', '<15']],
  ['SI', ['1', '42'], ['-1', '1.5', 'nn']],
  ['DT', ['2026', '202602', '20260228', '20240229'], ['20260230', '202613', '26', '2026-02-28']],
  ['TM', ['08', '0815', '081530.25', '0815+0100'], ['8', '2460', '08:15']],
  [
    'DTM',
    ['20260415', '2026041508', '202604150815', '20260415081530.1234-0500'],
    ['20260415081', '20260431', '1234 1'],
  ],
  ['TS', ['20260415'], ['x']],
  ['ST', ['anything', '<>'], []],
] as const)('%s takes %j and refuses %j', ([type, good, bad]) => {
  expect(good.filter((value) => !fitsType(value, type))).toEqual([]);
  expect(bad.filter((value) => fitsType(value, type))).toEqual([]);
});

test('nothing and the HL7 null fit every type', () => {
  for (const type of ['NM', 'SI', 'DT', 'TM', 'TS', 'ST']) {
    expect(fitsType('', type)).toBe(true);
    expect(fitsType('""', type)).toBe(true);
  }
});
