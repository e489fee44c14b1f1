import { expect, test, vi } from 'vitest';
import { RejectedError, TemporaryError } from '../../src/error/adapter-error.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { replyRules } from '../../src/flow/reply-rules.ts';
import type { Reply } from '../../src/message/message.ts';
import { given } from '../support/given.ts';
import { problemsOf } from '../support/production.ts';

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
  await using line = await given({
    to: COMBINATIONS.map(({ iris }) => iris.toLowerCase()),
    operations: Object.fromEntries(
      COMBINATIONS.map(({ iris, written }) => [
        iris.toLowerCase(),
        { answer: () => reply('AE'), replies: { AE: written }, retry: A_FEW_TRIES },
      ]),
    ),
  });
  await line.come('a');
  const outcomes = await vi.waitFor(async () => {
    const found = await line.outcomes();
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
  let code = 'AE';
  await using line = await given({
    operations: {
      out: { answer: () => reply(code), replies: { AE: written }, retry: A_FEW_TRIES },
    },
  });
  await line.come('first', 'second');
  await vi.waitFor(() => expect(line.status()?.state).toBe('stopped'));
  const tries = line.sent().length;
  expect(tries > 1).toBe(again);
  expect(await line.outcomes()).toEqual([]);
  code = 'AA';
  await line.director.switchOn('out');
  await line.arrive([...line.arrived().slice(0, tries), 'first', 'second']);
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
] as const)('the defaults of IRIS for HL7: %j', ([got, action, atLast]) => {
  expect(replyRules(HL7_DEFAULTS).onReply(got)).toMatchObject({ action, atLast, warnings: [] });
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
    'production.yaml:8:11 operations.out.replies.AE: suspend and fail cannot both happen to a message. Keep one of them; only warn and retry may be added to it.',
    'production.yaml:9:11 operations.out.replies.AR: retry is named twice. Name it once.',
  ]);
});

test('a code with dots is fitted by itself, by its beginning up to a dot, and by nothing else', () => {
  const rules = replyRules({ 'Sender.Late': 'suspend', Sender: 'stop', other: 'complete' });
  expect(rules.onReply(reply('Sender.Late')).action).toBe('suspend');
  expect(rules.onReply(reply('Sender.Late.Again')).action).toBe('suspend');
  expect(rules.onReply(reply('Sender.Unknown')).action).toBe('stop');
  expect(rules.onReply(reply('Senders')).action).toBe('complete');
});

test('any code may be ruled, in lower case too; one that looks like a misspelled word of ours is a warning', async () => {
  const told = await problemsOf(`
production: p
services:
  in: { adapter: sample-in, settings: { listen: a:1 }, to: out }
operations:
  out:
    adapter: sample-out
    settings: { connect: a:1 }
    replies:
      Sender.OrderNotFound: suspend
      Failure: fail
      in-progress: retry
      04xx: warn
      acept: complete
      ae: retry
      fo~o: fail
`);
  expect(told).toEqual([
    expect.stringMatching(
      /warning: operations\.out\.replies\.acept: it is taken as a code of the peer, not as the word accept\./,
    ),
    expect.stringMatching(
      /warning: operations\.out\.replies\.ae: a peer that answers AE does not fit it, .* If you meant AE, write it so\./,
    ),
    expect.stringMatching(/fo~o is neither a code/),
  ]);
});
