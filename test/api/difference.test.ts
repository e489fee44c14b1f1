import { expect, test } from 'vitest';
import { hl7Difference, lineDifference } from '../../src/api/body/body-diff.ts';
import { hl7Tree } from '../../src/api/body/hl7-tree.ts';

const HEAD = 'MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1';

const tree = (...segments: string[]) =>
  hl7Tree(Buffer.from([HEAD, ...segments, ''].join('\r')), undefined);

const paths = (before: string[], after: string[]): string[] =>
  hl7Difference(tree(...before), tree(...after)).map(({ change, path }) => `${change} ${path}`);

test('equal messages differ in nothing', () => {
  expect(paths(['PID|1||4711'], ['PID|1||4711'])).toEqual([]);
});

test('a component, a field and a whole segment are each named by their path', () => {
  expect(paths(['PID|1||4711^^^A'], ['PID|1||4711^^^B'])).toEqual(['changed PID-3.4']);
  expect(paths(['PID|1||4711'], ['PID|1||4711||Doe'])).toEqual(['added PID-5']);
  expect(paths(['PID|1', 'PV1|1'], ['PID|1'])).toEqual(['removed PV1']);
});

test('a segment put in between does not make those after it differ', () => {
  const results = ['OBX|1|NM|a||1', 'OBX|2|NM|b||2', 'OBX|3|NM|c||3'];
  const more = [results[0] ?? '', 'OBX|9|NM|x||9', ...results.slice(1)];
  expect(paths(results, more)).toEqual(['added OBX[2]']);
});

test('the tree unescapes, names components and tells what a code means', () => {
  const { segments } = tree('PID|1||4711^^^A&1.2&ISO~0815||O\\T\\Hara^Pat||19700101|F');
  const fields = segments[1]?.fields ?? [];
  expect(fields.find(({ n }) => n === 5)?.repetitions[0]?.[0]?.value).toBe('O&Hara');
  expect(fields.find(({ n }) => n === 3)?.repetitions.map((one) => one[0]?.path)).toEqual([
    'PID-3.1',
    'PID-3[2]',
  ]);
  expect(fields.find(({ n }) => n === 8)).toMatchObject({
    name: 'Administrative Sex',
    meaning: 'Female',
  });
});

test('lines are compared with what is equal kept together', () => {
  const { lines, truncated } = lineDifference(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'd']);
  expect(truncated).toBe(false);
  expect(lines.map(({ change, text }) => `${change} ${text}`)).toEqual([
    'same a',
    'removed b',
    'added x',
    'same c',
    'same d',
  ]);
});

const numbered = (count: number, of: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, n) => of(n));

test('a long text that differs at both ends is compared as a whole', () => {
  const before = numbered(20_000, (n) => `line ${n}`);
  const after = before.map((text, n) => (n === 0 || n === 19_999 ? 'other' : text));
  const { lines, truncated } = lineDifference(before, after);
  expect(truncated).toBe(false);
  const differing = lines.filter(({ change }) => change !== 'same');
  expect(differing.map(({ change, text }) => `${change} ${text}`)).toEqual([
    'removed line 0',
    'added other',
    'removed line 19999',
    'added other',
  ]);
  expect(lines.at(-3)).toEqual({
    change: 'same',
    text: 'line 19998',
    before: 19_999,
    after: 19_999,
  });
});

test('two long texts that share nothing are compared in part, and soon', () => {
  const before = numbered(20_000, (n) => `a${n}`);
  const began = performance.now();
  const { lines, truncated } = lineDifference(
    before,
    numbered(20_000, (n) => `b${n}`),
  );
  expect(truncated).toBe(true);
  expect(lines.length).toBeGreaterThan(2_000);
  expect(performance.now() - began).toBeLessThan(10_000);
});
