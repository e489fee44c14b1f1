import { expect, test } from 'vitest';
import { hearUnexpected } from '../../src/error/unexpected.ts';
import { Deadline } from '../../src/time/deadline.ts';

const failing = (): Promise<never> => Promise.reject(new Error('gone'));

test('work that fails or is late is not done, and what was not foreseen is reported', async () => {
  const heard: string[] = [];
  using _ = { [Symbol.dispose]: hearUnexpected(({ what }) => heard.push(what)) };
  const deadline = new Deadline(50);
  expect(await deadline.within('done', Promise.resolve())).toBe(true);
  expect(await deadline.within('foreseen', failing(), () => true)).toBe(false);
  expect(await deadline.within('not foreseen', failing())).toBe(false);
  const late = Promise.withResolvers<void>();
  expect(await deadline.within('late', late.promise)).toBe(false);
  late.reject(new Error('later'));
  await expect.poll(() => heard).toEqual(['not foreseen', 'late']);
});
