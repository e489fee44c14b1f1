import { expect, test, vi } from 'vitest';
import { DisableError, TemporaryError } from '../../src/error/adapter-error.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { Connection } from '../../src/host/connection.ts';

const open = () => ({ close: vi.fn<() => Promise<void>>(() => Promise.resolve()) });

test('an adapter that cannot be opened is opened again until it works', async () => {
  let tries = 0;
  const lost: unknown[] = [];
  const connection = new Connection(
    async () => {
      if (++tries < 3) throw new Error('not yet');
      return open();
    },
    (reason) => lost.push(reason),
  );
  connection.start();
  await connection.get(AbortSignal.timeout(5_000));
  expect(tries).toBe(3);
  expect(lost).toHaveLength(2);
  await connection.close();
});

test('a lost adapter is closed and opened anew; a second report of it does nothing', async () => {
  const opened: ReturnType<typeof open>[] = [];
  const connection = new Connection(
    async () => {
      opened.push(open());
      return opened.at(-1) ?? open();
    },
    () => undefined,
  );
  connection.start();
  const first = await connection.get(AbortSignal.timeout(5_000));
  connection.reopen(first, new Error('gone'));
  connection.reopen(first, new Error('gone'));
  await vi.waitFor(() => expect(opened).toHaveLength(2));
  const second = await connection.get(AbortSignal.timeout(5_000));
  connection.reopen(first, new Error('gone'));
  expect(second).toBe(opened[1]);
  expect(opened[0]?.close).toHaveBeenCalledOnce();
  expect(connection.opened).toBeDefined();
  await connection.close();
});

test('who asks to be left alone for a while is, unless a person says otherwise', async () => {
  let tries = 0;
  const delays: number[] = [];
  const connection = new Connection(
    async () => {
      if (++tries === 1) throw new TemporaryError('too many sign-ins', { retryAfter: 120_000 });
      return open();
    },
    (_, next) => delays.push(next),
  );
  connection.start();
  await vi.waitFor(() => expect(delays).toEqual([120_000]));
  connection.retryNow();
  await connection.get(AbortSignal.timeout(5_000));
  expect(tries).toBe(2);
  await connection.close();
});

test('an adapter that is lost as soon as it is open is opened ever more seldom, until it has done its work', async () => {
  const delays: number[] = [];
  let isThere = false;
  const losing: ((reason: Error) => void)[] = [];
  const connection = new Connection(
    async (lost) => {
      losing.push(lost);
      if (!isThere) lost(new Error('the folder is not there'));
      return open();
    },
    (_, next) => delays.push(next),
  );
  connection.start();
  await vi.waitFor(() => expect(delays).toHaveLength(4), 5_000);
  expect(delays.map((delay) => Math.round(Math.log2(delay / 50)))).toEqual([1, 2, 3, 4]);
  isThere = true;
  connection.retryNow();
  await connection.get(AbortSignal.timeout(5_000));
  connection.proven();
  losing.at(-1)?.(new Error('gone'));
  await vi.waitFor(() => expect(delays).toHaveLength(5));
  expect(delays[4]).toBeLessThan(150);
  await connection.close();
});

test.for([
  new DisableError('user or password is wrong'),
  new EngineError('CREDENTIAL_REFUSED', 'the client secret is wrong'),
])(
  '%s is not tried again for minutes, since accounts are locked, but at once on request',
  async (refusal) => {
    let tries = 0;
    const waits: number[] = [];
    const connection = new Connection(
      async () => {
        if (++tries < 4) throw refusal;
        return open();
      },
      (_, next) => waits.push(next),
    );
    connection.start();
    for (let wanted = 1; wanted < 4; wanted++) {
      await vi.waitFor(() => expect(waits).toHaveLength(wanted));
      expect(tries).toBe(wanted);
      connection.retryNow();
    }
    await connection.get(AbortSignal.timeout(5_000));
    expect(waits).toEqual([5, 10, 20].map((minutes) => minutes * 60_000));
    await connection.close();
  },
);

test('an opening that does not come to an end is given up, told its signal, and closed if it opens after all', async () => {
  const reasons: unknown[] = [];
  const signals: AbortSignal[] = [];
  const opened = open();
  const late = Promise.withResolvers<typeof opened>();
  const connection = new Connection(
    (_, signal) => {
      signals.push(signal);
      return signals.length === 1 ? late.promise : Promise.resolve(open());
    },
    (reason) => reasons.push(reason),
    50,
  );
  connection.start();
  await vi.waitFor(() => expect(reasons).toHaveLength(1));
  expect(reasons[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED', retryable: true });
  expect(signals[0]?.aborted).toBe(true);
  late.resolve(opened);
  await vi.waitFor(() => expect(opened.close).toHaveBeenCalledOnce());
  await connection.get(AbortSignal.timeout(5_000));
  // what it lent belongs to the adapter for as long as that is open
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(signals[1]?.aborted).toBe(false);
  await connection.close();
});

test('a stop does not wait for an adapter that is still being opened', async () => {
  const connection = new Connection(
    () => new Promise<never>(() => undefined),
    () => undefined,
  );
  connection.start();
  expect(connection.isOpening).toBe(true);
  await connection.close();
  expect(connection.isOpening).toBe(false);
});
