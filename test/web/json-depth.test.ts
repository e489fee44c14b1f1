import { assert, integer, json, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { DEEPEST, isTooDeep } from '../../src/web/json-depth.ts';
import { processorTime } from '../support/processor-time.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
    : 0;

test('what is too deep is what has more levels, whatever its texts and names hold', () => {
  const wrapped = tuple(
    json({ depthSize: 'small', stringUnit: 'binary' }),
    integer({ min: DEEPEST - 8, max: DEEPEST + 2 }),
  );
  assert(
    property(wrapped, ([inner, levels]) => {
      const text = `${'[{"\\\\\\"[":'.repeat(levels / 2)}${inner}${'}]'.repeat(levels / 2)}`;
      expect(isTooDeep(text)).toBe(depthOf(JSON.parse(text)) > DEEPEST);
    }),
  );
});

test('what is no JSON is looked through to its end', () => {
  for (const text of ['"', '"\\', '"\\"', '[', ']]]]', '{"a', ''])
    expect(isTooDeep(text)).toBe(false);
  const began = processorTime();
  expect(isTooDeep(`"${'\\"'.repeat(4_000_000)}`)).toBe(false);
  expect(isTooDeep('['.repeat(8_000_000))).toBe(true);
  expect(processorTime() - began).toBeLessThan(5_000);
});
