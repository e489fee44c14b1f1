import { describe, expect, test } from 'vitest';
import { compileTemplate } from '../../src/expression/template.ts';
import { ADMISSION, environment, scopeOf } from '../support/subject-message.ts';

const scope = scopeOf(ADMISSION);

test.for<[string, string, boolean]>([
  ['{type}_{id}.hl7', 'ADT_A01_7.hl7', false],
  ['report.txt', 'report.txt', false],
  ['', '', false],
  ['{{{event}}}', '{A01}', false],
  ['{field("PID-5.1")} {received}', 'DOE 2026-01-31T15:30:00.000Z', true],
  ['{{"a": {size > 1}}}', '{"a": true}', false],
  ['{replace("}", "}", "{")}', '{', false],
  ['{ {"a": 1}["a"] }!', '1!', false],
  ['{1.5}', '1.5', false],
])('%s gives %s', ([source, text, readsBody]) => {
  const compiled = compileTemplate(source, environment);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  expect(compiled.template.readsBody).toBe(readsBody);
  expect(compiled.template.evaluate(scope)).toBe(text);
});

describe('a wrong template', () => {
  test.for<[string, number, string]>([
    ['a {type', 2, 'This { is unmatched. Write {{ for the character itself.'],
    ['a } b', 2, 'This } is unmatched. Write }} for the character itself.'],
    ['{type} {tpye}', 8, 'There is no tpye. Did you mean type? A text is written in quotes.'],
    [
      '{field("PIDD-3")}',
      7,
      'HL7 path "PIDD-3", position 4: the path should end here. Write it like PID-3[2].4.2 or OBX[3]-5.',
    ],
  ])('%s', ([source, offset, text]) => {
    const compiled = compileTemplate(source, environment);
    if (compiled.ok) throw new Error('it was taken');
    expect(compiled.problems).toHaveLength(1);
    expect(compiled.problems[0]).toMatchObject({ offset, text });
  });

  test('all its problems are reported at once', () => {
    const compiled = compileTemplate('{a} {type} {b}', environment);
    expect(compiled.ok ? [] : compiled.problems.map(({ offset }) => offset)).toEqual([1, 12]);
  });
});

test('a list cannot stand in a text', () => {
  const compiled = compileTemplate('{fields("PID-3")}', environment);
  expect(() => compiled.ok && compiled.template.evaluate(scope)).toThrow(
    'The expression fields("PID-3") failed: it gave a value that cannot be part of a text.',
  );
});
