import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { PassingMap, PassingSet } from '../../src/time/passing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how: { readonly type: 'minor' }) => void;

const KILOBYTE = 1_024;
const MANY = 2_000;

interface Holding {
  readonly add: (number: number, what: object) => void;
  readonly remove: (number: number) => void;
}

/** Kilobytes that are kept of what came and went, after a while in which there was little to do. */
function keptOf({ add, remove }: Holding): number {
  const one = (number: number): void => {
    if (number >= 16) remove(number - 16);
    add(
      number,
      Array.from({ length: KILOBYTE / 8 }, () => number),
    );
  };
  for (let number = 0; number < 100; number++) one(number);
  for (let times = 0; times < 3; times++) collect({ type: 'minor' });
  const before = process.memoryUsage().heapUsed;
  for (let number = 100; number < MANY; number++) one(number);
  for (let times = 0; times < 2; times++) collect({ type: 'minor' });
  return (process.memoryUsage().heapUsed - before) / KILOBYTE;
}

function ofMap(
  all: Pick<Map<number, object>, 'delete'> & { set(key: number, one: object): unknown },
) {
  return {
    add: (key: number, one: object) => void all.set(key, one),
    remove: (key: number) => void all.delete(key),
  };
}

function ofSet(all: Pick<Set<object>, 'delete'> & { add(one: object): unknown }): Holding {
  const numbered: (object | undefined)[] = [];
  return {
    add(number, one) {
      numbered[number % 64] = one;
      all.add(one);
    },
    remove(number) {
      const one = numbered[number % 64];
      if (one !== undefined) all.delete(one);
      numbered[number % 64] = undefined;
    },
  };
}

test('what came and went is forgotten with the next small collection', () => {
  // V8's own keep it: without that this proves nothing, and PassingMap is of no use any more
  expect(keptOf(ofMap(new Map()))).toBeGreaterThan(MANY / 2);
  expect(keptOf(ofSet(new Set()))).toBeGreaterThan(MANY / 2);
  expect(keptOf(ofMap(new PassingMap()))).toBeLessThan(MANY / 8);
  expect(keptOf(ofSet(new PassingSet()))).toBeLessThan(MANY / 8);
});

test('it holds what a Map and a Set hold, whatever is removed when', () => {
  const [map, plainMap] = [new PassingMap<number, string>(), new Map<number, string>()];
  const [set, plainSet] = [new PassingSet<number>(), new Set<number>()];
  let seed = 1;
  const differing: number[] = [];
  for (let step = 0; step < 5_000; step++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const key = seed % 200;
    if (seed % 3 === 0) {
      map.set(key, `${step}`);
      plainMap.set(key, `${step}`);
      set.add(key);
      plainSet.add(key);
    } else {
      if (map.delete(key) !== plainMap.delete(key)) differing.push(step);
      if (set.delete(key) !== plainSet.delete(key)) differing.push(step);
    }
  }
  expect(differing).toEqual([]);
  expect([...map]).toEqual([...plainMap]);
  expect([...map.values()]).toEqual([...plainMap.values()]);
  expect([...set]).toEqual([...plainSet]);
  expect([map.size, set.size]).toEqual([plainMap.size, plainSet.size]);
  expect(map.get([...plainMap.keys()][0] ?? 0)).toBe([...plainMap.values()][0]);
  map.clear();
  set.clear();
  expect([map.size, set.size, map.has(1), set.has(1)]).toEqual([0, 0, false, false]);
});
