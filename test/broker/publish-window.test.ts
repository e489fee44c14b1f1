import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PublishWindow, type Writable } from '../../src/broker/publish-window.ts';
import { processorTime } from '../support/processor-time.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** What is written, in order, and by what NATS has not acknowledged it. */
function lab() {
  const window = new PublishWindow();
  const written: Writable[] = [];
  const gone = new Set<Writable>();
  const add = (subject: string): Writable => {
    const one: Writable = { subject, write: () => !gone.has(one) && written.push(one) > 0 };
    window.add(one);
    return one;
  };
  return { window, written, gone, add };
}

test('a burst is written in order, some at a time: more while they are acknowledged quickly, fewer once they are not', () => {
  const { window, written, add } = lab();
  const all = Array.from({ length: 12_000 }, () => add('one'));
  const windows: number[] = [];
  let seen = 0;
  const acknowledge = (after: number): void => {
    const open = written.slice(seen);
    seen = written.length;
    windows.push(open.length);
    vi.advanceTimersByTime(after);
    for (const one of open) window.left(one);
  };
  for (let round = 0; round < 4; round++) acknowledge(10);
  expect(windows).toEqual([256, 512, 1_024, 2_048]);
  for (let round = 0; round < 3; round++) acknowledge(2_000);
  expect(windows.slice(4)).toEqual([4_096, 2_048, 1_024]);
  while (written.length < all.length) acknowledge(10);
  expect(written.every((one, n) => one === all[n])).toBe(true);
});

test('a subject that nobody acknowledges holds up no other, and what was given up takes no place', () => {
  const { window, written, gone, add } = lab();
  const dead = Array.from({ length: 6_000 }, () => add('dead'));
  const others = Array.from({ length: 3_000 }, (_, n) => add(`well ${n % 5}`));
  for (let rounds = 0; rounds < 40; rounds++) {
    for (const one of others) window.left(one);
  }
  expect(written.filter(({ subject }) => subject !== 'dead')).toHaveLength(others.length);
  const open = written.filter(({ subject }) => subject === 'dead');
  expect(open.length).toBeLessThanOrEqual(4_096);
  expect(open.every((one, n) => one === dead[n])).toBe(true);
  // the first that waits is given up, then one of those that were written
  gone.add(dead[open.length] as Writable);
  const before = written.length;
  window.left(dead[0] as Writable);
  expect(written[before]).toBe(dead[open.length + 1]);
  // as after a lost connection
  window.clear();
  window.left(dead[1] as Writable);
  expect(window.has(dead[1] as Writable)).toBe(false);
  add('dead');
  expect(written.at(-1)?.subject).toBe('dead');
});

test('subjects that nobody acknowledges hold up no other, however many they are', () => {
  const { window, written, add } = lab();
  for (let n = 0; n < 8; n++) for (let more = 0; more < 300; more++) add(`dead ${n}`);
  const well = [add('well'), add('well'), add('well')];
  const went = (): Writable[] => written.filter(({ subject }) => subject === 'well');
  for (const [n, one] of well.entries()) {
    expect(went()).toEqual(well.slice(0, n + 1));
    window.left(one);
  }
});

test('what one message was split into costs no more for each part the more they are', () => {
  const { window, written, add } = lab();
  const before = processorTime();
  for (let n = 0; n < 100_000; n++) add('one');
  for (let n = 0; n < 100_000; n++) window.left(written[n] as Writable);
  // 0.3 s; where each one that is taken moves those behind it, 15 s
  expect(processorTime() - before).toBeLessThan(4_000);
  expect(written).toHaveLength(100_000);
});

test('what was acknowledged is not kept by what still waits', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const window = new PublishWindow();
  const written: Writable[] = [];
  const all = Array.from({ length: 3_000 }, () => {
    const one: Writable = { subject: 'one', write: () => written.push(one) > 0 };
    window.add(one);
    return new WeakRef(one);
  });
  for (let n = 0; n < 500; n++) window.left(written.shift() as Writable);
  // an object that was looked at stays for the rest of the turn
  await new Promise(setImmediate);
  collect();
  expect(all.slice(0, 500).filter((one) => one.deref() !== undefined)).toEqual([]);
});
