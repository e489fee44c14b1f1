import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { firstLetter } from '../support/expression-of.ts';
import { given, textOf } from '../support/given.ts';

test('by key, a slow patient delays only what shares its line, and each key stays in order', async () => {
  const free = Promise.withResolvers<undefined>();
  await using line = await given({
    operations: {
      out: {
        answer: (message) => (textOf(message) === 'a0' ? free.promise : undefined),
        order: { byKey: firstLetter, partitions: 8 },
        timeout: 30_000,
      },
    },
  });
  await line.come('a0');
  const keys = 'bcdefghij';
  for (let n = 1; n < 6; n++) {
    for (const key of `a${keys}`) await line.come(`${key}${n}`);
  }
  // keys on other partitions go on while a waits
  await vi.waitFor(() => expect(line.sent().length).toBeGreaterThan(10));
  expect(line.arrived().some((value) => value.startsWith('a'))).toBe(false);
  free.resolve(undefined);
  await vi.waitFor(() => expect(line.sent()).toHaveLength(51), 10_000);
  for (const key of `a${keys}`) {
    const order = line.arrived().filter((value) => value.startsWith(key));
    expect(order).toEqual(order.toSorted());
  }
});

test('an unordered pool sends as many at once as it is told, and never more', async () => {
  let now = 0;
  let most = 0;
  const answer = async () => {
    most = Math.max(most, ++now);
    await sleep(20);
    now--;
    return undefined;
  };
  await using line = await given({ operations: { out: { answer, order: 'none', pool: 4 } } });
  await Promise.all(Array.from({ length: 41 }, (_, n) => line.comes(String(n))));
  await vi.waitFor(() => expect(line.sent()).toHaveLength(41), 10_000);
  expect(most).toBe(4);
});

test('a reply rule that stops the operation leaves the message at the head, and nothing overtakes it', async () => {
  let code = 'AE';
  const answer = () => ({ body: Buffer.from(''), type: 'text/plain', code });
  await using line = await given({ operations: { out: { answer, replies: { AE: 'stop' } } } });
  await line.come('1', '2', '3');
  await vi.waitFor(() => expect(line.status()?.state).toBe('stopped'));
  expect(line.arrived()).toEqual(['1']);
  code = 'AA';
  await line.director.switchOn('out');
  await line.arrive(['1', '1', '2', '3']);
});
