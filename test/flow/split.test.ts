import { expect, test, vi } from 'vitest';
import type { ProcessDefinition } from '../../src/definition/definition.ts';
import { readRuleSets } from '../../src/rule/read-rule-sets.ts';
import { SplitTransform } from '../../src/transform/split-transform.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { environment } from '../support/subject-message.ts';
import { traced } from '../support/traced.ts';
import { transformOf } from '../support/transform-reading.ts';

const rulesOf = (given: unknown) =>
  readRuleSets(given, [], {
    environment,
    problem: (_, text) => expect.fail(text),
    unknown: () => undefined,
  });

/** Rows that come in, are split by a router, and go to `out`, over another router if `between` says so. */
function rows(given: Partial<ProcessDefinition> & { readonly between?: boolean } = {}) {
  const { between = false, ...rest } = given;
  const from = testInbound();
  const out = testOutbound();
  const one = transformOf({ split: 'rows', name: '{name}-{part}' }, { name: 'one-a-row' });
  const { split } = one.declaration;
  if (split === undefined) throw new Error('it does not split');
  const to = between ? 'second' : 'out';
  const second = processDefinition('second', {
    rules: rulesOf([{ name: 'all', when: 'part <= parts', send: 'out' }]),
  });
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['splitter'] })],
    processes: [
      processDefinition('splitter', {
        rules: rulesOf([{ name: 'rows', send: { to, transform: 'one-a-row' } }]),
        ...rest,
      }),
      ...(between ? [second] : []),
    ],
    operations: [operationDefinition('out', out)],
    rest: { transforms: new Map([['one-a-row', new SplitTransform(one, split)]]) },
  });
  return { made, from, out };
}

const table = (count: number, ward: string): Buffer =>
  Buffer.from(
    `mrn,ward\n${Array.from({ length: count }, (_, at) => `${at + 1},${ward}\n`).join('')}`,
  );

const message = (count: number, ward = 'W') => ({
  body: table(count, ward),
  type: 'text/csv',
  name: 'patients',
  dedupeKey: 'patients',
});

test.each([
  { count: 10_000, run: 'inline' as const },
  { count: 1_000, run: 'queued' as const },
])(
  '$count rows become as many messages in their order, each once ($run)',
  async ({ count, run: where }) => {
    await using nats = await startNats();
    const { made, from, out } = rows({ run: where });
    await using running = await run(nats, made);
    void running;
    await vi.waitFor(() => from.deliver(message(count)), { timeout: 100_000 });
    await vi.waitFor(() => expect(out.sent).toHaveLength(count), {
      timeout: 200_000,
      interval: 200,
    });
    const again = await from.deliver(message(count));
    expect(again.status).toBe('duplicate');
    await new Promise((done) => setTimeout(done, 300));
    expect(out.sent.map(({ name }) => name)).toEqual(
      Array.from({ length: count }, (__, at) => `patients-${at + 1}`),
    );
    expect(Buffer.from(out.sent[711]?.body.inline ?? []).toString()).toBe('mrn,ward\n712,W\n');
    expect(out.sent[711]).toMatchObject({ part: 712, parts: count });
  },
  400_000,
);

test('the trace shows what was made as children, with their numbers', async () => {
  await using nats = await startNats();
  const { made, from, out } = rows();
  await using _ = await run(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: made.name });
  const { sessionId } = await vi.waitFor(() => from.deliver(message(3)));
  await vi.waitFor(() => expect(out.sent).toHaveLength(3), 5_000);
  await vi.waitFor(async () => {
    const messages = (await trace.store.session(sessionId))?.messages ?? [];
    const parent = messages.find(({ target }) => target === 'splitter');
    const children = messages.filter(({ target }) => target === 'out');
    expect(children.map(({ parentId, part, parts }) => [parentId, part, parts])).toEqual([
      [parent?.id, 1, 3],
      [parent?.id, 2, 3],
      [parent?.id, 3, 3],
    ]);
  }, 5_000);
});

test('through a router that runs inline behind it: the records of all of them are stored as well', async () => {
  const COUNT = 2_500; // together more than NATS takes in one message
  await using nats = await startNats();
  const { made, from, out } = rows({ between: true });
  await using _ = await run(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: made.name });
  await vi.waitFor(() => from.deliver(message(COUNT, 'W'.repeat(2_000))), {
    timeout: 100_000,
  });
  await vi.waitFor(() => expect(out.sent).toHaveLength(COUNT), { timeout: 100_000, interval: 200 });
  const completed = async (): Promise<number> => {
    let count = 0;
    let after: string | undefined;
    do {
      const query = { target: 'second', status: ['completed'] as const, limit: 1_000, after };
      const page = await trace.store.find(query);
      count += page.items.length;
      after = page.next;
    } while (after !== undefined);
    return count;
  };
  await vi.waitFor(async () => expect(await completed()).toBe(COUNT), {
    timeout: 60_000,
    interval: 500,
  });
}, 240_000);

test('what makes no message is discarded, and what makes too many is suspended with the reason', async () => {
  await using nats = await startNats();
  const { made, from, out } = rows();
  await using _ = await run(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: made.name });
  const statusOf = async (sessionId: number) => {
    const messages = (await trace.store.session(sessionId))?.messages;
    return messages?.find(({ target }) => target === 'splitter');
  };
  const none = await vi.waitFor(() => from.deliver({ ...message(0), dedupeKey: 'none' }));
  const many = await from.deliver({ ...message(10_001), dedupeKey: 'many' });
  await vi.waitFor(async () => {
    expect(await statusOf(none.sessionId)).toMatchObject({ status: 'discarded' });
    const suspended = await statusOf(many.sessionId);
    expect(suspended).toMatchObject({ status: 'suspended' });
    expect(suspended?.error?.text).toContain('split.most is 10000');
  }, 5_000);
  expect(out.sent).toEqual([]);
});
