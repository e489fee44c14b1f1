import { expect, test } from 'vitest';
import { DisableError, NotConnectedError } from '../../src/error/adapter-error.ts';
import { SignInGuard } from '../../src/peer/sign-in-guard.ts';
import { refusedPause } from '../../src/time/back-off.ts';

/** A peer that answers when the test says so. */
function peer(): { tries: number; answer: PromiseWithResolvers<string>; ask(): Promise<string> } {
  const made = {
    tries: 0,
    answer: Promise.withResolvers<string>(),
    ask() {
      made.tries++;
      return made.answer.promise;
    },
  };
  return made;
}

const outcomes = async (all: readonly Promise<string>[]): Promise<string[]> =>
  (await Promise.allSettled(all)).map((one) =>
    one.status === 'fulfilled' ? one.value : (one.reason as Error).message,
  );

test('a refusal of the first of many is that of all, and is remembered for a minute', async () => {
  let now = 0;
  const guard = new SignInGuard(() => now);
  const one = peer();
  const all = [1, 2, 3].map(() => guard.run(() => one.ask()));
  one.answer.reject(new DisableError('wrong password'));
  expect(await outcomes(all)).toEqual(['wrong password', 'wrong password', 'wrong password']);
  expect(await outcomes([guard.run(() => one.ask())])).toEqual(['wrong password']);
  expect(one.tries).toBe(1);
  now = 60_000;
  await outcomes([guard.run(() => one.ask())]);
  expect(one.tries).toBe(2);
});

test('a lost connection of the first is that of those who waited, and the next is tried', async () => {
  const guard = new SignInGuard();
  const one = peer();
  const all = [1, 2].map(() => guard.run(() => one.ask()));
  one.answer.reject(new NotConnectedError('gone'));
  expect(await outcomes(all)).toEqual(['gone', 'gone']);
  expect(await outcomes([guard.run(async () => 'in')])).toEqual(['in']);
  expect(one.tries).toBe(1);
});

test('once one is in, the others are made side by side', async () => {
  const guard = new SignInGuard();
  await guard.run(async () => 'in');
  const one = peer();
  const all = [1, 2, 3].map(() => guard.run(() => one.ask()));
  await Promise.resolve();
  expect(one.tries).toBe(3);
  one.answer.resolve('in');
  expect(await outcomes(all)).toEqual(['in', 'in', 'in']);
});

test('pauses after refusals grow to an hour', () => {
  expect([1, 2, 3, 4, 5, 6].map((n) => refusedPause(n) / 60_000)).toEqual([5, 10, 20, 40, 60, 60]);
});
