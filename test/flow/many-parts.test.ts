import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { halfStoredLegs } from '../../src/flow/enqueue.ts';
import { route } from '../../src/flow/route.ts';
import { subject } from '../../src/flow/subject.ts';
import { inlineBody } from '../../src/message/body.ts';
import { systemClock } from '../../src/time/clock.ts';
import { processorTime } from '../support/processor-time.ts';
import { envelope } from '../support/subject-message.ts';

/** For each of two targets: together they are more than the arguments that a function may have. */
const PARTS = 65_000;

test('tens of thousands of parts for each of two targets take as long as so many messages, and others get their turn', async () => {
  let last = 0;
  const routing = {
    wiring: {
      hopLimit: 50,
      target: (name: string) =>
        name === 'router'
          ? ({ kind: 'inline', name, process: { readsBody: false, run: () => split() } } as const)
          : ({
              kind: 'queue',
              name,
              generation: 1,
              partition: undefined,
              readsBody: false,
            } as const),
    },
    ids: { next: () => ++last, last: 0 },
    clock: systemClock,
    store: () => Promise.resolve(undefined),
    drop: () => undefined,
  };
  const output = { body: Buffer.from('part'), type: 'text/plain' };
  const sends = ['lab', 'ward'].flatMap((name) =>
    Array.from({ length: PARTS }, () => ({ to: name, output })),
  );
  const split = () => ({ status: 'completed', sends, explain: undefined }) as const;
  let turns = 0;
  let ended = false;
  const others = (async () => {
    for (; !ended; turns++) await setImmediate();
  })();
  const before = processorTime();
  const from = subject(envelope({ type: 'text/plain' }), inlineBody(output.body));
  const legs = await route(routing, from, { to: [{ to: 'router' }], key: 'k' });
  const had = turns;
  ended = true;
  await others;
  // 1.1 s; where each part looks for its target among all before it, more than 8 s
  expect(processorTime() - before).toBeLessThan(2_500);
  expect(had).toBeGreaterThan(1);
  const [first, ...parts] = legs;
  expect(first?.settled?.status).toBe('completed');
  expect(parts).toHaveLength(2 * PARTS);
  expect(parts.every(({ message: { id, branch } }) => branch === id)).toBe(true);
});

test('messages of very many parts that are repeated in turn do not forget one another', () => {
  const legs = halfStoredLegs();
  const messages = ['a', 'b'].map((message) =>
    Array.from({ length: 100_000 }, (_, n) => `${message}${n}`),
  );
  for (const parts of messages) legs.keep(parts);
  expect(messages.flat().filter((part) => !legs.isStored(part))).toEqual([]);
});

test('of the parts that were stored before a queue was full none is forgotten', () => {
  const legs = halfStoredLegs(60_000, 3);
  const parts = ['a', 'b', 'c', 'd', 'e'];
  legs.keep(['before']);
  legs.keep(parts);
  expect(parts.filter((part) => !legs.isStored(part))).toEqual([]);
  legs.keep(['after']);
  expect(['a', 'after'].map((part) => legs.isStored(part))).toEqual([false, true]);
});
