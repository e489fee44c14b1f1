import { posix } from 'node:path';
import { array, assert, constant, constantFrom, oneof, property } from 'fast-check';
import { expect, test } from 'vitest';
import { matchesGlob } from '../../../src/peer/folder/file-pattern.ts';
import { examples } from '../../support/examples.ts';
import { processorTime } from '../../support/processor-time.ts';

const piece = constantFrom(
  'a',
  'b',
  '.',
  '*',
  '?',
  '[ab]',
  '[!a]',
  '[a-c]',
  '{a,b}',
  '{a*,.b}',
  '-',
);
const segment = array(piece, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))
  // Folders that are named as . or .., and two stars beside each other, are read in another way by every library.
  .filter((text) => !/^\.+$/.test(text))
  .filter((text) => !text.includes('**') && !/[*?]\(/.test(text));
const glob = array(oneof({ weight: 4, arbitrary: segment }, constant('**')), {
  minLength: 1,
  maxLength: 3,
}).map((segments) => segments.join('/'));
const name = array(constantFrom('a', 'b', 'c', '-', '.'), { minLength: 1, maxLength: 5 })
  .map((chars) => chars.join(''))
  .filter((text) => !/^\.+$/.test(text));
const path = array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

test('means what the run time takes it to mean', () => {
  assert(
    property(path, glob, (one, pattern) => {
      expect(matchesGlob(one, pattern), `${one} against ${pattern}`).toBe(
        posix.matchesGlob(one, pattern),
      );
    }),
    { numRuns: examples(3_000) },
  );
});

test('takes no longer than name and pattern are long', () => {
  const began = processorTime();
  expect(matchesGlob(`${'_'.repeat(255)}x`, '*_*_*_*_*_*_*_*.hl7')).toBe(false);
  expect(matchesGlob(`${'a'.repeat(100_000)}x`, '*a*a*a*a*a*.hl7')).toBe(false);
  expect(matchesGlob(Array.from({ length: 500 }, () => 'a').join('/'), '**/a/**/a/**/a/**/b')).toBe(
    false,
  );
  expect(processorTime() - began).toBeLessThan(2_000);
});
