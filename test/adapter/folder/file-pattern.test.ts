import { expect, test } from 'vitest';
import { isMeant } from '../../../src/adapter/folder/file-pattern.ts';

const cases: readonly (readonly [string, readonly string[], boolean])[] = [
  ['lab.hl7', ['*'], true],
  ['.lab.hl7', ['*'], false],
  ['.lab.hl7', ['.*'], true],
  ['lab.hl7', ['*.hl7'], true],
  ['lab.HL7', ['*.hl7'], false],
  ['lab.txt', ['*.hl7', '*.txt'], true],
  ['lab.txt', ['*.{hl7,txt}'], true],
  ['lab.txt', ['*.hl7; *.txt'], true],
  ['lab.csv', ['*.hl7;*.txt'], false],
  ['lab1.txt', ['lab[0-9].txt'], true],
  ['ward-3/lab.hl7', ['*.hl7'], true],
  ['ward-3/lab.hl7', ['ward-*/*.hl7'], true],
  ['ward-3/lab.hl7', ['icu/*.hl7'], false],
  ['a.b.hl7.part', ['*.part'], true],
  ['x', [], false],
];

test.for(cases)('%s against %j: %s', ([path, patterns, meant]) => {
  expect(isMeant(path, patterns)).toBe(meant);
});
