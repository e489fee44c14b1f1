import { expect, test } from 'vitest';
import type { Sleeper } from '../../src/broker/waiting-room.ts';
import { SleeperLine } from '../../src/engine/sleeper-line.ts';

const sleeper = (sequence: number, rest: Partial<Sleeper> = {}): Sleeper => ({
  id: 1,
  host: 'steps',
  sequence,
  until: 1_000,
  answers: [],
  ...rest,
});

test('a message that waits anew is not replaced by what it waited for before', () => {
  const line = new SleeperLine();
  line.put(sleeper(1));
  const first = line.takeDue(1_000);
  // it was put back though the receipt was lost, ran, and waits again before that is known here
  line.put(sleeper(2, { until: 2_000, answers: ['answer'] }));
  if (first !== undefined) line.put({ ...first, until: 1_500 });

  expect(line.takeDue(1_500)).toBeUndefined();
  expect(line.next()).toBe(2_000);
  expect(line.takeAnswered('answer')).toMatchObject({ sequence: 2 });
  expect(line.size).toBe(0);
});

test('what left its place is forgotten, with the answer it waited for; in a later place it stays', () => {
  const line = new SleeperLine();
  line.put(sleeper(1, { answers: ['answer'] }));
  line.put(sleeper(3, { id: 2 }));
  line.drop({ id: 2, sequence: 2 });
  line.drop({ id: 7, sequence: 1 });
  line.drop({ id: 1, sequence: 1 });
  expect(line.takeAnswered('answer')).toBeUndefined();
  expect(line.byHost()).toEqual(new Map([['steps', { count: 1, next: 1_000 }]]));
  expect(line.takeDue(1_000)).toMatchObject({ id: 2 });
});
