import { expect, test } from 'vitest';
import type { Subscriber } from '../../src/adapter/subscribers.ts';
import { subscribersOf } from '../../src/engine/kept-work.ts';
import { definition, operationDefinition } from '../support/definition.ts';
import { testOutbound } from '../support/loopback-adapter.ts';

const subscriber = (id: number, more: Partial<Subscriber>): Subscriber => ({
  id: `s${id}`,
  owner: 'app',
  about: 'Observation',
  place: 'app.example:443',
  state: 'active',
  held: false,
  error: undefined,
  events: 0,
  taken: undefined,
  failures: 0,
  end: 0,
  ...more,
});

const keeping = (name: string, all: readonly Subscriber[]) =>
  operationDefinition(name, {
    ...testOutbound(),
    subscribers: () => ({
      list: () => Promise.resolve(all),
      turn: () => Promise.resolve(false),
    }),
  });

test('a list of many is given in parts, in one order, those in trouble first', async () => {
  const many = Array.from({ length: 1_500 }, (_, id) =>
    subscriber(id, id % 2 === 0 ? {} : { state: 'error' }),
  );
  const parts = definition({
    services: [],
    operations: [keeping('one', many), keeping('two', many.slice(0, 700))],
  });
  // what it keeps is asked of nobody here
  const engine = { keyed: {} } as Parameters<typeof subscribersOf>[0];
  const seen: string[] = [];
  let after: string | undefined;
  const lengths: number[] = [];
  do {
    const { items, cut, next } = await subscribersOf(engine, parts, { after });
    expect(cut).toBe(next !== undefined);
    lengths.push(items.length);
    seen.push(...items.map(({ host, id, state }) => `${state} ${host} ${id}`));
    after = next;
  } while (after !== undefined);
  expect(lengths).toEqual([1_000, 1_000, 200]);
  expect(new Set(seen).size).toBe(2_200);
  expect(seen.findLastIndex((one) => one.startsWith('error'))).toBe(1_099);
  expect((await subscribersOf(engine, parts, { host: 'two' })).items.length).toBe(700);
  // whoever sees but one operation gets no place in the list of another
  const seenByOne = await subscribersOf(engine, parts, { hosts: ['one'] });
  expect(seenByOne.next).toMatch(/^\d one /);
  expect(seenByOne.items.every(({ host }) => host === 'one')).toBe(true);
  expect(await subscribersOf(engine, parts, { host: 'two', hosts: ['one'] })).toEqual({
    items: [],
    cut: false,
    next: undefined,
  });
});
