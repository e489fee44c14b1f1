import { expect, test } from 'vitest';
import type { setting } from '../../../src/adapter/index.ts';
import { filePattern, isMeant } from '../../../src/peer/folder/file-pattern.ts';

/** A pattern asks nothing of it. */
const CONTEXT: setting.ReadContext = {
  path: String,
  template: () => ({ ok: false, problems: [] }),
  expression: () => ({ ok: false, problems: [] }),
  unknown: () => undefined,
  unfit: () => undefined,
};

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

test.for([
  ['lab{1..3}.hl7', 'has a range in braces'],
  ['@(lab|ward).hl7', 'has parentheses'],
  ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}', 'expands to more than 1000'],
  ['/lab', 'must be a pattern'],
] as const)('%s is refused', ([pattern, why]) => {
  expect(filePattern.read(pattern, CONTEXT)).toMatchObject({
    problems: [{ problem: expect.stringContaining(why) }],
  });
});
