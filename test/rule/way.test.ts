import { array, assert, boolean, property } from 'fast-check';
import { expect, test } from 'vitest';
import { Way } from '../../src/rule/decide.ts';

function keyOf(answers: readonly boolean[]): string | number {
  const way = new Way();
  for (const answer of answers) expect(way.note(answer)).toBe(answer);
  return way.key();
}

test('ways have equal keys if they are equal, and only then', () => {
  const answers = array(boolean(), { maxLength: 130, size: 'max' });
  assert(
    property(answers, answers, (one, other) => {
      expect(keyOf(one) === keyOf(other)).toBe(one.join() === other.join());
      expect(keyOf(one)).toBe(keyOf([...one]));
      for (const extra of [true, false]) expect(keyOf([...one, extra])).not.toBe(keyOf(one));
      const [first = true, ...rest] = one;
      expect(keyOf([!first, ...rest])).not.toBe(keyOf([first, ...rest]));
    }),
  );
});
