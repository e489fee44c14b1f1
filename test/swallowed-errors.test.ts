import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Errors that vanish: a promise that nobody owns is found by the linter (`no-floating-promises` without `void`). */

interface Found {
  readonly place: string;
  readonly text: string;
}

const FILES = globSync(['src/**/*.ts', 'adapters/**/*.ts', 'console/src/**/*.{ts,tsx}']);

const isComment = (line = ''): boolean => /^\s*(\/\/|\*|\/\*)/.test(line);

/** The lines of the block that a line opens, by their indentation. */
function blockAfter(lines: readonly string[], at: number): string {
  const indent = /^\s*/.exec(lines[at] ?? '')?.[0] ?? '';
  const length = lines.slice(at + 1).findIndex((line) => line.startsWith(`${indent}}`));
  return lines.slice(at + 1, at + 1 + Math.max(length, 0)).join('\n');
}

/** Who catches without looking at the error says which one it may be, or throws another in its place. */
function silent(file: string): Found[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (isComment(line)) return [];
    const catches = /\bcatch \{/.test(line) || /\.catch\(\s*\(\) =>/.test(line);
    if (!catches) return [];
    const block = line.endsWith('{') ? blockAfter(lines, index) : '';
    const says = line.includes('//') || block.includes('//') || /\bthrow\b/.test(block);
    if (says || isComment(lines[index - 1]) || isComment(lines[index - 2])) return [];
    return [{ place: `${file}:${index + 1}`, text: line.trim() }];
  });
}

test('no error is caught without a look at it or a word on which one it may be', () => {
  expect(FILES.length).toBeGreaterThan(500);
  expect(FILES.flatMap(silent)).toEqual([]);
});

/** They show what fails themselves, or cannot fail. */
const TELLING =
  /void ((\w+\.)?fetchNextPage|navigate|again|refetch|(?:client|answers)\??\.(invalidateQueries|resetQueries|refetchQueries)|stepped|signOut|copy|tryAll)\(/;

test('in the console nothing is left to itself that does not show its errors', () => {
  const loose = globSync('console/src/**/*.{ts,tsx}').flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /(^|[\s(>])void [a-z(]\S*\(/.test(line) && !isComment(line))
      .filter((line) => !TELLING.test(line))
      .filter((line) => !/=> void;|\): void|: void/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(loose).toEqual([]);
});
