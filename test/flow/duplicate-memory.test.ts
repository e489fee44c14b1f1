import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Answer } from '../../src/broker/answers.ts';
import {
  type DuplicateMemory,
  duplicateMemory,
  type Remembered,
} from '../../src/flow/duplicate-memory.ts';

const LIMIT = 4;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ANSWER = { outcome: 'completed' } as unknown as Answer;

const fresh = (messageId: number): Remembered => ({
  messageId,
  sessionId: messageId + 0.5,
  stored: false,
});

let lastId = 0;

interface Act {
  readonly key: string;
  readonly stores: boolean;
  readonly answered: boolean;
}

/** A message with that key is accepted, in the memory and in a plain map beside it. */
function accept(
  memory: DuplicateMemory,
  model: Map<string, Remembered>,
  { key, stores, answered }: Act,
): void {
  const known = model.get(key);
  const entry = known?.stored === false ? known : fresh((lastId += 1));
  model.delete(key);
  model.set(key, entry);
  const [oldest = ''] = model.keys();
  if (model.size > LIMIT) model.delete(oldest);
  memory.remember(key, entry);
  if (answered) entry.answer = ANSWER;
  if (stores) memory.stored(key, entry);
}

const seen = (at: (key: string) => Remembered | undefined): unknown[] =>
  KEYS.map(at).map((one) => [one?.messageId, one?.sessionId, one?.stored, one?.answer]);

test('what is stored is remembered with its own ids and answer, and the oldest are forgotten', () => {
  const act = fc.record({
    key: fc.constantFrom(...KEYS),
    stores: fc.boolean(),
    answered: fc.boolean(),
  });
  const property = fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
    const memory = duplicateMemory(60_000, LIMIT);
    const model = new Map<string, Remembered>();
    for (const one of acts) {
      accept(memory, model, one);
      expect(seen((key) => memory.find(key))).toEqual(seen((key) => model.get(key)));
    }
  });
  fc.assert(property, { numRuns: 30 });
});

test('while it is under way, a repetition gets the same entry', () => {
  const memory = duplicateMemory(60_000);
  const entry = fresh(1);
  memory.remember('a', entry);
  expect(memory.find('a')).toBe(entry);
  memory.stored('a', entry);
  expect(memory.find('a')).toMatchObject({ messageId: 1, sessionId: 1.5, stored: true });
});

test('one that was forgotten before it was stored stays forgotten', () => {
  const memory = duplicateMemory(60_000, 1);
  const entry = fresh(1);
  memory.remember('a', entry);
  memory.remember('b', fresh(2));
  memory.stored('a', entry);
  expect(entry.stored).toBe(true);
  expect(memory.find('a')).toBeUndefined();
});

test('a place is used again: a day of messages takes no more than a window of them', () => {
  const memory = duplicateMemory(60_000, 1_000);
  for (let n = 0; n < 5_000; n++) {
    const entry = fresh(n);
    memory.remember(`${n}`, entry);
    memory.stored(`${n}`, entry);
  }
  expect(memory.find('3999')).toBeUndefined();
  expect(memory.find('4000')).toMatchObject({ messageId: 4_000, stored: true });
  expect(memory.find('4999')).toMatchObject({ messageId: 4_999, sessionId: 4_999.5 });
});

test('what a flood needed is given back once it is over', () => {
  const made: number[] = [];
  class Counted extends Float64Array {
    constructor(length: number) {
      super(length);
      made.push(length);
    }
  }
  vi.stubGlobal('Float64Array', Counted);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  try {
    const memory = duplicateMemory(60_000);
    const accepted = (n: number): void => {
      const entry = fresh(n);
      memory.remember(`${n}`, entry);
      memory.stored(`${n}`, entry);
    };
    for (let n = 0; n < 2_000; n++) accepted(n);
    expect(made.at(-1)).toBeGreaterThan(6_000);
    clock.mockReturnValue(60_001);
    accepted(2_000);
    expect(made.at(-1)).toBe(made[0]);
    const found = [memory.find('1999'), memory.find('2000')];
    expect(found).toMatchObject([undefined, { messageId: 2_000 }]);
  } finally {
    clock.mockRestore();
    vi.unstubAllGlobals();
  }
});
