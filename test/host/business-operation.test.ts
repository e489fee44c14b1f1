import { expect, test, vi } from 'vitest';
import { WORKER } from '../../src/broker/names.ts';
import { RejectedError, TemporaryError } from '../../src/error/adapter-error.ts';
import type { Message } from '../../src/message/message.ts';
import { given, silent, textOf } from '../support/given.ts';
import { startNats } from '../support/nats.ts';

const HOUR = 3_600_000;
/** Tries again, but never within a test. */
const SELDOM = { every: HOUR, for: 10 * HOUR, backoff: 1, max: HOUR, disconnected: HOUR };

const fails = (): never => {
  throw new RejectedError('no such patient');
};

const failsAtStuck = (message: Message): undefined => {
  if (textOf(message) === 'stuck') throw new TemporaryError('not yet');
};

test.concurrent('of two engines one sends a strict line, the other says so and goes on where the first ended', async () => {
  await using nats = await startNats();
  const first = await given({ nats });
  await vi.waitFor(() => expect(first.status()?.connection).toBe('connected'));
  await using second = await given({ nats });
  await vi.waitFor(() =>
    expect(second.status()).toMatchObject({
      connection: 'waiting',
      detail: 'another engine sends',
    }),
  );
  await first.come('1');
  // whoever accepts a message, the one engine sends it
  await second.come('2');
  await first.arrive(['1', '2']);
  await first.stop();
  await second.come('3');
  await second.arrive(['3']);
  expect(second.status()?.connection).toBe('connected');
  // the first ended in order: nothing can have been sent twice
  expect(second.sent()[0]?.possibleDuplicate).toBeUndefined();
});

test.concurrent('what an engine sent before it ended in order is not sent by the next one, although the server forgot that it was settled', async () => {
  await using nats = await startNats();
  const first = await given({ nats });
  await vi.waitFor(() => expect(first.status()?.connection).toBe('connected'));
  await using second = await given({ nats });
  const { director, engine } = second;
  await director.switchOff('out', { by: 'test', at: Date.now(), reason: 'waits' });
  await first.come('1', '2', '3', '4');
  await first.arrive(['1', '2', '3', '4']);
  await first.stop();
  // a server that was killed goes on with the state that it last wrote, here with none
  const { manager, names } = engine.broker;
  const { stream } = names.queue('out', undefined);
  const { config } = await manager.consumers.info(stream, WORKER);
  await manager.consumers.delete(stream, WORKER);
  await manager.consumers.add(stream, config);
  await director.switchOn('out');
  await second.come('5');
  await second.arrive(['5']);
  expect(second.sent()[0]?.possibleDuplicate).toBeUndefined();
});

test.concurrent('what was on the wire as its engine stopped is sent again, marked, at the head of its line', async () => {
  await using nats = await startNats();
  const first = await given({
    nats,
    settings: { shutdownTimeout: 500 },
    operations: { out: { answer: silent } },
  });
  const texts = Array.from({ length: 6 }, (_, n) => String(n));
  await first.come(...texts);
  await vi.waitFor(() => expect(first.status()?.inFlight).toBe(1));
  await first.stop();
  await using second = await given({ nats });
  await second.arrive(texts);
  const marks = second.sent().map(({ possibleDuplicate }) => possibleDuplicate);
  expect(marks[0]).toBe(true);
  // one on the wire, two whose outcomes may have been on their way to the disk
  expect(marks.slice(3)).toEqual([undefined, undefined, undefined]);
});

test.concurrent('a message that waits for its next try shows in the status, and is tried at once where somebody says so', async () => {
  let isBusy = true;
  const answer = () => {
    if (isBusy) throw new TemporaryError('the peer is busy');
    return undefined;
  };
  await using line = await given({ operations: { out: { answer, retry: SELDOM } } });
  const { messageId } = await line.comes('1');
  await vi.waitFor(() => expect(line.status()?.retrying).toMatchObject({ attempt: 1 }));
  const { retrying, lastError } = line.status() ?? {};
  expect(retrying?.messageId).toBe(messageId);
  expect(retrying?.next).toBeGreaterThan(Date.now() + HOUR / 2);
  expect(lastError?.text).toContain('the peer is busy');
  isBusy = false;
  line.director.retryNow('out');
  await line.arrive(['1']);
  await vi.waitFor(async () => {
    expect(await line.outcomes()).toMatchObject([{ status: 'completed', attempts: 2 }]);
  });
  expect(line.status()?.retrying).toBeUndefined();
});

test.concurrent('a message that is tried again and again is ended by an order, its sender is told, and the line goes on', async () => {
  await using line = await given({
    operations: { out: { answer: failsAtStuck, retry: SELDOM } },
  });
  const asked = line.comes('stuck', { reply: true, timeout: 20_000 });
  await vi.waitFor(() => expect(line.status()?.retrying).toBeDefined());
  await line.come('next');
  const id = line.status()?.retrying?.messageId ?? 0;
  const order = { status: 'discarded', by: 'ada', reason: 'sent by hand' } as const;
  expect(await line.director.endMessage('out', id + 1_000_000, order)).toBe(false);
  expect(await line.director.endMessage('out', id, order)).toBe(true);
  expect((await asked).outcome?.status).toBe('discarded');
  await line.arrive(['next']);
  await vi.waitFor(async () => {
    expect(await line.outcomes()).toMatchObject([
      {
        id,
        status: 'discarded',
        by: 'ada',
        warning: 'sent by hand (it was being sent: the peer may have received it)',
      },
      { status: 'completed' },
    ]);
  });
  // it has its outcome: there is nothing left to be ended
  await expect(line.director.endMessage('out', id, order)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(line.status()?.retrying).toBeUndefined();
});

test.concurrent('in test mode nothing goes out: each message is set aside in the name of who set it, until it ends', async () => {
  await using line = await given();
  const at = Date.now();
  const override = {
    host: 'out',
    kind: 'test',
    by: 'ada',
    reason: 'a dry run',
    at,
    until: at + HOUR,
  } as const;
  await line.director.override(override, override);
  await line.come('1', '2');
  await vi.waitFor(async () => {
    expect(await line.outcomes()).toMatchObject(
      [1, 2].map(() => ({
        status: 'suspended',
        by: 'ada',
        error: { text: 'set aside: test mode: a dry run' },
      })),
    );
  });
  expect(line.sent()).toEqual([]);
  await line.director.override(override);
  await line.come('3');
  await line.arrive(['3']);
});

test.concurrent('a message that fails for good is told to who waits for its answer, and shows as the last error', async () => {
  await using line = await given({ operations: { out: { answer: fails } } });
  const { outcome } = await line.comes('1', { reply: true, timeout: 10_000 });
  expect(outcome).toMatchObject({ status: 'error', text: 'no such patient' });
  expect(line.status()?.lastError?.text).toContain('no such patient');
});

test.concurrent('a host that is started twice works once, and one that is stopped twice stays so', async () => {
  await using line = await given();
  await line.director.switchOn('out');
  await line.come('1');
  await line.arrive(['1']);
  for (const reason of ['moves', 'moves again']) {
    await line.director.switchOff('out', { by: 'ada', reason, at: Date.now() });
  }
  await line.come('2');
  expect(line.status()?.state).toBe('stopped');
  await line.director.switchOn('out');
  await line.director.switchOn('out');
  await line.arrive(['1', '2']);
});
