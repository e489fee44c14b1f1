import { expect, test, vi } from 'vitest';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import { RejectedError, TemporaryError } from '../../src/error/adapter-error.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { replyRules } from '../../src/flow/reply-rules.ts';
import type { Reply } from '../../src/message/message.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { problemsOf } from '../support/production.ts';
import { type Running, run } from '../support/running.ts';

/** At 0, 100 and 200 ms. */
/** Three tries, of which a busy machine may make but two. */
const A_FEW_TRIES = {
  every: 200,
  for: 500,
  backoff: 1,
  max: 1_000,
  disconnected: Number.POSITIVE_INFINITY,
};

const reply = (code: string | undefined, more: Partial<Reply> = {}): Reply => ({
  body: Buffer.from('answer'),
  type: 'text/plain',
  code,
  ...more,
});

async function outcomesOf(running: Running): Promise<OutcomeRecord[]> {
  await running.engine.outcomes.flush();
  const found: OutcomeRecord[] = [];
  for await (const { record } of outcomeTail(running.engine.broker, 60_000)) {
    if (record.kind === 'outcome') found.push(record);
  }
  return found;
}

/** Letters of IRIS in every combination that means something, and what becomes of a message then. */
const COMBINATIONS = [
  { iris: 'C', written: 'complete', status: 'completed', again: false },
  { iris: 'W', written: 'warn', status: 'completed', again: false, warning: 'AE' },
  { iris: 'S', written: 'suspend', status: 'suspended', again: false },
  { iris: 'F', written: 'fail', status: 'error', again: false },
  { iris: 'WC', written: ['warn', 'complete'], status: 'completed', again: false, warning: 'AE' },
  { iris: 'WS', written: ['warn', 'suspend'], status: 'suspended', again: false, warning: 'AE' },
  { iris: 'WF', written: 'warn, fail', status: 'error', again: false, warning: 'AE' },
  { iris: 'R', written: 'retry', status: 'error', again: true },
  { iris: 'RF', written: ['retry', 'fail'], status: 'error', again: true },
  { iris: 'RS', written: ['retry', 'suspend'], status: 'suspended', again: true },
  { iris: 'RC', written: ['retry', 'complete'], status: 'completed', again: true },
  { iris: 'WR', written: ['warn', 'retry'], status: 'error', again: true, warning: 'AE' },
  {
    iris: 'WRS',
    written: ['warn', 'retry', 'suspend'],
    status: 'suspended',
    again: true,
    warning: 'AE',
  },
  { iris: 'SR', written: ['suspend', 'retry'], status: 'suspended', again: true },
] as const;

test('every combination of actions ends a message as it says', async () => {
  await using nats = await startNats();
  const from = testInbound();
  await using running = await run(
    nats,
    definition({
      services: [
        serviceDefinition('in', from, { to: COMBINATIONS.map(({ iris }) => iris.toLowerCase()) }),
      ],
      operations: COMBINATIONS.map(({ iris, written }) =>
        operationDefinition(
          iris.toLowerCase(),
          testOutbound(() => reply('AE')),
          {
            replies: { AE: written },
            retry: A_FEW_TRIES,
          },
        ),
      ),
    }),
  );
  await vi.waitFor(() => from.deliver({ body: Buffer.from('a'), type: 'text/plain' }));
  const outcomes = await vi.waitFor(async () => {
    const found = await outcomesOf(running);
    expect(found).toHaveLength(COMBINATIONS.length);
    return found;
  }, 10_000);
  for (const { iris, status, again, ...more } of COMBINATIONS) {
    const found = outcomes.find(({ host }) => host === iris.toLowerCase());
    expect(found, iris).toMatchObject({ status });
    expect(found?.attempts ?? 0, iris).toBeGreaterThan(again ? 1 : 0);
    expect(found?.attempts ?? 0, iris).toBeLessThanOrEqual(again ? 3 : 1);
    expect(found?.warning, iris).toBe('warning' in more ? more.warning : undefined);
  }
});

test.for([
  { iris: 'D', written: 'stop', again: false },
  { iris: 'WD', written: ['warn', 'stop'], again: false },
  { iris: 'RD', written: ['retry', 'stop'], again: true },
] as const)('$iris puts the message back at the head and stops the operation', async (of) => {
  const { written, again } = of;
  await using nats = await startNats();
  const from = testInbound();
  let answer = 'AE';
  const to = testOutbound(() => reply(answer));
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [
        operationDefinition('out', to, {
          replies: { AE: written },
          retry: A_FEW_TRIES,
        }),
      ],
    }),
  );
  for (const name of ['first', 'second']) {
    await vi.waitFor(() => from.deliver({ body: Buffer.from(name), type: 'text/plain' }));
  }
  await vi.waitFor(() => expect(running.director.statuses()[0]?.state).toBe('stopped'));
  const tries = to.sent.length;
  expect(tries > 1).toBe(again);
  expect(await outcomesOf(running)).toEqual([]);
  answer = 'AA';
  await running.director.switchOn('out');
  await vi.waitFor(() => expect(to.sent).toHaveLength(tries + 2));
  const names = to.sent.slice(tries).map(({ body }) => Buffer.from(body.inline ?? []).toString());
  expect(names).toEqual(['first', 'second']);
});

/** `:?R=RF,:?E=S,:~=S,:?A=C,:*=S,:I?=W,:T?=C` of IRIS, in our words. */
const HL7_DEFAULTS = {
  reject: ['retry', 'fail'],
  error: 'suspend',
  'no-code': 'suspend',
  accept: 'complete',
  other: 'suspend',
  'wrong-control-id': 'warn',
  'wrong-type': 'complete',
} as const;

test.for([
  [reply('AR'), 'retry', 'fail'],
  [reply('CR'), 'retry', 'fail'],
  [reply('AE'), 'suspend', 'suspend'],
  [reply('CE'), 'suspend', 'suspend'],
  [reply(undefined, { problems: ['no-code'] }), 'suspend', 'suspend'],
  [reply('CA'), 'complete', 'complete'],
  [reply('XX'), 'suspend', 'suspend'],
] as const)('the defaults of IRIS for HL7: %j', ([given, action, atLast]) => {
  expect(replyRules(HL7_DEFAULTS).onReply(given)).toMatchObject({ action, atLast, warnings: [] });
});

test('warnings are all heard, and the first other rule that fits decides', () => {
  const rules = replyRules({ 'wrong-control-id': 'warn', AE: ['warn', 'retry'], error: 'fail' });
  expect(rules.onReply(reply('AE', { problems: ['wrong-control-id'] }))).toEqual({
    action: 'retry',
    atLast: 'fail',
    warnings: ['wrong-control-id', 'AE'],
    rule: 'AE',
  });
  expect(rules.onReply(reply('AA', { problems: ['wrong-control-id'] }))).toMatchObject({
    action: 'warn',
    warnings: ['wrong-control-id'],
  });
});

test('E#6301=R,E*ErrGeneral=R,_=S,E=F: errors by code, by text, no answer, and the rest', () => {
  const rules = replyRules({
    'failure:ADAPTER_REJECTED': 'retry',
    'failure~ErrGeneral': ['retry', 'suspend'],
    none: 'suspend',
    failure: 'fail',
  });
  const judged = (error: Error): string | undefined => rules.onError(error)?.action;
  expect(judged(new RejectedError('no'))).toBe('retry');
  expect(rules.onError(new TemporaryError('ErrGeneral #5001'))).toMatchObject({
    action: 'retry',
    atLast: 'suspend',
  });
  expect(judged(new EngineError('REPLY_TIMEOUT', 'late'))).toBe('suspend');
  expect(judged(new TemporaryError('busy'))).toBe('fail');
  expect(replyRules({ AE: 'fail' }).onError(new TemporaryError('busy'))).toBeUndefined();
});

test('actions that cannot stand together are a problem of the production', async () => {
  const problems = await problemsOf(
    `production: p
services: { in: { adapter: sample-in, to: [out] } }
operations:
  out:
    adapter: sample-out
    settings: { connect: "h:1" }
    replies:
      AE: [suspend, fail]
      AR: [warn, retry, retry]
      AA: [warn, retry, stop]
      CR: retry, suspend, warn
`,
  );
  expect(problems).toEqual([
    'production.yaml:8:11 operations.out.replies.AE: suspend and fail cannot both become of a message. Keep one of them; warn and retry may stand with it.',
    'production.yaml:9:11 operations.out.replies.AR: retry is named twice. Name it once.',
  ]);
});
