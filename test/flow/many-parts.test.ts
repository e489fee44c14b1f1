import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { route } from '../../src/flow/route.ts';
import { subject } from '../../src/flow/subject.ts';
import { inlineBody } from '../../src/message/body.ts';
import { systemClock } from '../../src/time/clock.ts';
import { processorTime } from '../support/processor-time.ts';
import { envelope } from '../support/subject-message.ts';

test('tens of thousands of parts for each of two targets take as long as so many messages, and others get their turn', async () => {
  let last = 0;
  const routing = {
    wiring: {
      hopLimit: 50,
      target: (name: string) =>
        ({ kind: 'queue', name, generation: 1, partition: undefined, readsBody: false }) as const,
    },
    ids: { next: () => ++last, last: 0 },
    clock: systemClock,
    store: () => Promise.resolve(undefined),
    drop: () => undefined,
  };
  const output = { body: Buffer.from('part'), type: 'text/plain' };
  const to = ['lab', 'ward'].flatMap((name) =>
    Array.from({ length: 40_000 }, () => ({ to: name, output })),
  );
  let turns = 0;
  let ended = false;
  const others = (async () => {
    for (; !ended; turns++) await setImmediate();
  })();
  const before = processorTime();
  const from = subject(envelope({ type: 'text/plain' }), inlineBody(output.body));
  const legs = await route(routing, from, { to, key: 'k' });
  const had = turns;
  ended = true;
  await others;
  // 0.7 s; where each part looks for its target among all before it, 3 to 4 s, and 18 s for 100,000
  expect(processorTime() - before).toBeLessThan(2_500);
  expect(had).toBeGreaterThan(1);
  expect(legs).toHaveLength(to.length);
  expect(legs.every(({ message: { id, branch } }) => branch === id)).toBe(true);
});
