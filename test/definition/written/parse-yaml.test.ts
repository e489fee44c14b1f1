import { expect, test } from 'vitest';
import { describeProblem, problemList } from '../../../src/definition/problem.ts';
import { parseYaml } from '../../../src/definition/written/parse-yaml.ts';
import { shown, valueAt } from '../../../src/definition/written/written.ts';

function problemsIn(text: string): string[] {
  const problems = problemList();
  parseYaml('a.yaml', text, problems);
  return problems.list().map(describeProblem);
}

function placeOf(text: string, keys: readonly (string | number)[], offset: number): string {
  const value = valueAt(parseYaml('a.yaml', text, problemList()), keys);
  if (value?.kind !== 'scalar') throw new Error('no scalar there');
  const { line, column } = value.placeOf(offset);
  return `${line}:${column}`;
}

test('every value is read as YAML 1.2 says, and an empty file is an empty block', () => {
  const text = 'a: 1\nb: [no, "x", 007]\nc: { d: ~, e: true }\n';
  const written = parseYaml('a.yaml', text, problemList());
  expect(written === undefined ? undefined : shown(written)).toEqual({
    a: 1,
    b: ['no', 'x', 7],
    c: { d: null, e: true },
  });
  const empty = parseYaml('a.yaml', '# nothing\n', problemList());
  expect(empty === undefined ? undefined : shown(empty)).toEqual({});
});

test('a comment in another encoding does no harm, and an escaped character is meant', () => {
  expect(problemsIn('a: "\\uFFFD" # K\uFFFDche\n# K\uFFFDche\nb: 2')).toEqual([]);
});

test.for([
  ['a tab that indents', 'a: 1\n\tb: 2', 'a.yaml:2:1 a tab is used to indent'],
  ['a bracket that is not closed', 'a: {b: [1', 'a.yaml:1:10 '],
  ['a second document', '---\na: 1\n---\nb: 2', 'a.yaml:3:1 a second document begins here'],
  [
    'a variable inside of braces, of which only the first mistake is told',
    'a: { p: ${env:X} }\nb: 1\nc: 2',
    'a.yaml:1:10 a text with { or [ in it stands inside of { } or [ ]. Put the whole text in quotes',
  ],
  [
    'a comma inside of braces, in a text that is meant as one',
    'a: { when: f("x").g(t, t == "y"), b: 1 }',
    'a.yaml:1:24 a comma in { } ends a text. Put the text in quotes.',
  ],
  ['a tag', 'a: !foo 3', 'a.yaml:1:4 tags such as !name have no meaning here'],
  ['a key that is a list', '? [a]\n: 3', 'a.yaml:1:1 a key is not a text'],
  [
    'a key that stands twice',
    'a: 1\nb: 2\na: 3',
    'a.yaml:3:1 the key a is here twice; the first is on line 1',
  ],
  ['an alias of nothing', 'a: *x', 'a.yaml:1:4 there is no anchor &x above this alias'],
  ['an alias that contains itself', 'a: &x [*x]', 'a.yaml:1:7 there are too many values'],
  ['an escape that is none', 'a: "x\\q"', 'a.yaml:1:6 not valid YAML: Invalid escape sequence \\q'],
  ['a colon in a plain text', 'a: b: c', 'a.yaml:1:4 '],
  [
    'a letter of Windows-1252',
    'a: 1 # K\uFFFDche\nb: "K\uFFFDche"',
    'a.yaml:2:6 a character is not in',
  ],
  [
    'a key in Windows-1252',
    'a: 1\nK\uFFFDche: 2',
    'a.yaml:2:2 a character is not in UTF-8. Save it',
  ],
  ['UTF-16', Buffer.from('\uFEFFa: 1', 'utf16le').toString(), 'a.yaml:1:1 the file is in UTF-16'],
  [
    'UTF-16 without its mark',
    Buffer.from('a: 1', 'utf16le').toString(),
    'a.yaml:1:1 the file is in',
  ],
] as const)('%s is reported at its place', ([, text, problem]) => {
  const [first] = problemsIn(text);
  expect(first).toContain(problem);
});

test('what a parser says further along a broken line is not repeated', () => {
  expect(problemsIn('- a\nb: c: d: e')).toHaveLength(1);
});

test('an alias has the value of its anchor, and its place', () => {
  const written = parseYaml('a.yaml', 'a: &x { b: 1 }\nc: *x\n', problemList());
  expect(valueAt(written, ['c', 'b'])).toMatchObject({ value: 1, place: { line: 1, column: 12 } });
});

test('a block merged with << has its own keys and those of the other, each at its place', () => {
  const text = 'a: &x { b: 1, c: 2 }\nd: { <<: *x, c: 3 }\ne: { <<: [*x, { f: 4 }] }\n';
  const written = parseYaml('a.yaml', text, problemList());
  expect(written === undefined ? undefined : shown(written)).toEqual({
    a: { b: 1, c: 2 },
    d: { b: 1, c: 3 },
    e: { b: 1, c: 2, f: 4 },
  });
  expect(valueAt(written, ['d', 'b'])).toMatchObject({ place: { line: 1, column: 12 } });
  expect(problemsIn('a: { <<: 3 }')).toEqual([
    'a.yaml:1:10 << merges a block, but this is not a block. Write <<: *name.',
  ]);
});

test.for([
  ['a plain text', 'a: hello world', 6, '1:10'],
  ['a text in double quotes', 'a: "hello"', 2, '1:7'],
  ['after an escape', 'a: "x\\u0041\\"y"', 3, '1:14'],
  ['after a doubled quote', "a: 'it''s ok'", 4, '1:10'],
  ['a literal block', 'a: |\n  first\n  second\n', 6, '3:3'],
  ['deeper in a literal block', 'a: |\n  if\n    so\n', 5, '3:5'],
  ['a folded block', 'a: >-\n  first\n  second\n', 8, '3:5'],
  ['a plain text over two lines', 'a: first\n  second', 6, '2:3'],
  ['the end of a text', 'a: abc\nb: 1', 3, '1:7'],
] as const)('the place of a character is exact: %s', ([, text, offset, place]) => {
  expect(placeOf(text, ['a'], offset)).toBe(place);
});
