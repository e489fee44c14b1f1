import * as fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { OpenOutbound } from '../../src/adapter/adapter.ts';
import {
  DisableError,
  NotConnectedError,
  RejectedError,
  SuspendError,
  TemporaryError,
} from '../../src/error/adapter-error.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { duplicateMemory } from '../../src/flow/duplicate-memory.ts';
import { replyRules } from '../../src/flow/reply-rules.ts';
import { type Sending, send } from '../../src/flow/send.ts';
import { inlineBody } from '../../src/message/body.ts';
import type { Message } from '../../src/message/message.ts';
import type { RecordedError } from '../../src/message/record.ts';
import { fixedClock, systemClock } from '../../src/time/clock.ts';
import { examples } from '../support/examples.ts';

const MESSAGE: Message = {
  id: 1,
  sessionId: 1,
  source: 'in',
  target: 'out',
  type: 'text/plain',
  created: 1,
  received: 1,
  size: 1,
  body: inlineBody(Buffer.from('x')),
};

/** What a try may end with, the error that says so, and what the engine then does; undefined tries again. */
const ENDS = {
  taken: { error: undefined, action: 'complete' },
  busy: { error: () => new TemporaryError('busy'), action: undefined },
  'a fault of the adapter': { error: () => new TypeError('x'), action: undefined },
  'no token': {
    error: () => new EngineError('CREDENTIAL_UNAVAILABLE', 'away', { retryable: true }),
    action: undefined,
  },
  lost: { error: () => new NotConnectedError('lost'), action: undefined },
  refused: { error: () => new RejectedError('no'), action: 'fail' },
  'set aside': { error: () => new SuspendError('look'), action: 'suspend' },
  stopped: { error: () => new DisableError('stop'), action: 'stop' },
} as const;

type End = keyof typeof ENDS;

const course = fc.array(fc.constantFrom(...(Object.keys(ENDS) as End[])), { maxLength: 8 });

/** Sends over an adapter whose tries end as planned, and once the plan is over are taken. */
function sending(plan: readonly End[], onRetry: (retries: number) => void = () => undefined) {
  const seen = { sends: 0, retries: 0, reopened: 0 };
  const adapter: OpenOutbound = {
    close: () => Promise.resolve(),
    async send() {
      const { error } = ENDS[plan[seen.sends++] ?? 'taken'];
      if (error !== undefined) throw error();
      return undefined;
    },
  };
  const retry = { every: 1, for: Infinity, backoff: 1, max: 2, disconnected: Infinity };
  const parts: Sending = {
    opened: () => adapter,
    adapter: () => Promise.resolve(adapter),
    whyNotOpen: () => undefined,
    reopen: () => void (seen.reopened += 1),
    replies: replyRules({}, undefined),
    retry,
    timeout: 5_000,
    clock: systemClock,
    wake: () => new AbortController().signal,
    isOurs: () => true,
    onCut: () => undefined,
    onRetry: () => onRetry(++seen.retries),
  };
  return { seen, parts };
}

const never = new AbortController().signal;

test('a message is tried until a try decides; each try counts but those that only lost their connection', async () => {
  const property = fc.asyncProperty(course, async (plan) => {
    const { seen, parts } = sending(plan);
    const sent = await send(MESSAGE, parts, { cut: never, stopping: never });
    const whole: End[] = [...plan, 'taken'];
    const last = whole.findIndex((end) => ENDS[end].action !== undefined);
    const tried = whole.slice(0, last + 1);
    const lost = tried.filter((end) => end === 'lost').length;
    expect(sent.action).toBe(ENDS[whole[last] ?? 'taken'].action);
    expect(sent.attempts).toBe(tried.length - lost);
    expect(seen).toEqual({ sends: tried.length, retries: last, reopened: lost });
    expect(sent.error === undefined).toBe(sent.action === 'complete');
  });
  await fc.assert(property, { numRuns: examples(60) });
});

test('time in which no token can be had for the peer does not count, up to `disconnected`', async () => {
  const away = Array.from({ length: 30 }, () => 'no token' as const);
  const brief = { every: 1, for: 50, backoff: 1, max: 1 };
  const sentWith = async (disconnected: number) => {
    const clock = fixedClock(0);
    // a busy machine stands still wherever it may
    const stall = (): void => clock.set(clock.now() + 3);
    const { parts } = sending(away, stall);
    const opened = (): OpenOutbound | undefined => {
      stall();
      return parts.opened();
    };
    const retry = { ...brief, disconnected };
    return send(MESSAGE, { ...parts, clock, opened, retry }, { cut: never, stopping: never });
  };
  expect(await sentWith(Infinity)).toMatchObject({ action: 'complete', attempts: 31 });
  expect(await sentWith(5)).toMatchObject({ action: 'fail' });
});

/** From now on the clock of the machine is as many milliseconds ahead, or behind. */
function setClock(by: number): void {
  const at = performance.timeOrigin + by;
  const set = vi.spyOn(Date, 'now').mockImplementation(() => at + performance.now());
  onTestFinished(() => set.mockRestore());
}

const HOURS = 2 * 3_600_000;

test('a clock that is set ahead between two tries gives no message up', async () => {
  const { parts } = sending(['busy', 'busy'], () => setClock(HOURS));
  const retry = { ...parts.retry, for: HOURS / 2 };
  const sent = await send(MESSAGE, { ...parts, retry }, { cut: never, stopping: never });
  expect(sent).toMatchObject({ action: 'complete', attempts: 3 });
});

test('a clock that is set back between two tries holds up no line', async () => {
  const plan = Array.from({ length: 1_000 }, () => 'busy' as const);
  const { parts, seen } = sending(plan, (retries) =>
    retries === 1 ? setClock(-HOURS) : undefined,
  );
  const retry = { ...parts.retry, for: 20 };
  const sent = await send(MESSAGE, { ...parts, retry }, { cut: never, stopping: never });
  expect(sent.action).toBe('fail');
  expect(seen.sends).toBeLessThan(40);
});

test('a clock that is set back takes nothing for a repetition that comes after the window', async () => {
  const memory = duplicateMemory(20);
  memory.remember('key', { sessionId: 1, messageId: 1, stored: true });
  expect(memory.find('key')).toMatchObject({ messageId: 1 });
  setClock(-HOURS);
  expect(memory.find('key')).toMatchObject({ messageId: 1 });
  await vi.waitFor(() => expect(memory.find('key')).toBeUndefined(), { interval: 5 });
});

test('a stop ends what only waits for its next try, at once and without another', async () => {
  const property = fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (at) => {
    const stopping = new AbortController();
    const stop = (retries: number): void => {
      if (retries === at) stopping.abort(new Error('stopped'));
    };
    const { seen, parts } = sending(
      Array.from({ length: 10 }, () => 'busy'),
      stop,
    );
    const signals = { cut: never, stopping: stopping.signal };
    await expect(send(MESSAGE, parts, signals)).rejects.toThrow('stopped');
    expect(seen.sends).toBe(at);
  });
  await fc.assert(property, { numRuns: examples(20) });
});

test('what the receiver says stands with each failed try and with the end, cut where it is long', async () => {
  const words = `no bed ${'x'.repeat(100_000)}`;
  const tries = [
    () => Promise.reject(new TemporaryError('busy', { detail: 'come back later' })),
    () => Promise.resolve({ body: Buffer.alloc(0), type: 'text/plain', code: 'AR', text: words }),
    () => Promise.reject(new RejectedError('refused', { detail: words })),
  ];
  const { parts } = sending([]);
  const told: RecordedError[] = [];
  const sent = await send(
    MESSAGE,
    {
      ...parts,
      opened: () => ({
        close: () => Promise.resolve(),
        send: () => (tries.shift() ?? (() => Promise.resolve(undefined)))(),
      }),
      replies: replyRules({ AR: 'retry' }),
      onRetry: ({ error }) => void told.push(error),
    },
    { cut: never, stopping: never },
  );
  expect(told).toMatchObject([
    { text: 'busy', said: 'come back later' },
    { text: 'the peer answered AR (rule AR)', said: words.slice(0, 2_000) },
  ]);
  expect(sent).toMatchObject({
    action: 'fail',
    error: { text: 'refused', said: words.slice(0, 2_000) },
  });
});

test('of a reply that ends it, its text stands in the reply alone, cut where it is long', async () => {
  const { parts } = sending([]);
  const reply = { body: Buffer.alloc(0), type: 'x', code: 'AE', text: 'y'.repeat(100_000) };
  const adapter = { close: () => Promise.resolve(), send: () => Promise.resolve(reply) };
  const sent = await send(
    MESSAGE,
    { ...parts, opened: () => adapter, replies: replyRules({ AE: 'suspend' }) },
    { cut: never, stopping: never },
  );
  expect(sent.error).toEqual({
    code: 'REPLY_UNEXPECTED',
    text: 'the peer answered AE (rule AE)',
    retryable: true,
  });
  expect(sent.reply?.text).toHaveLength(4_001);
});
