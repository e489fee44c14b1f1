import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startNatsServer } from '../../../src/broker/embedded/nats-server.ts';
import { hangs, Patience } from '../../../src/broker/embedded/server-life.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Longer than a server has for its answer, in the test below. */
const STANDING = 30;
const standStill = (time: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);

test.skipIf(process.platform === 'win32')(
  'a server that hangs is ended and started again, and not while it is this process that stands still',
  async () => {
    await using folder = await temporaryFolder();
    const onRestart = vi.fn<(reason: string) => void>();
    const looks = { every: 1, answer: STANDING - 10 };
    await using server = await startNatsServer({ data: folder.path, onRestart, looks });
    const { pid = 0 } = server;
    for (let turns = 0; turns < 40; turns++) {
      standStill(STANDING);
      await setImmediate();
    }
    expect(onRestart).not.toHaveBeenCalled();
    process.kill(pid, 'SIGSTOP');
    await vi.waitFor(() => expect(onRestart).toHaveBeenCalledTimes(2));
    expect(onRestart.mock.calls).toEqual([
      ['nats-server runs but does not answer any more: it is ended'],
      ['nats-server ended (SIGKILL)'],
    ]);
    await vi.waitFor(() => expect(server.pid).not.toBe(pid));
  },
);

/** After how many looks a server counts as hung, by its answer to each. */
async function looksAt(
  answer: (look: number) => boolean | undefined,
  isAtWork: boolean,
): Promise<number> {
  let looks = 0;
  const watched = {
    answers: () => Promise.resolve(answer(++looks)),
    done: () => Promise.resolve(isAtWork ? `${looks}` : '0'),
  };
  const { signal } = new AbortController();
  expect(await hangs(watched, { patience: new Patience(), every: 0, signal })).toBe(true);
  return looks;
}

test('one that uses processor time is given ten times as long, and what cannot be asked counts for nothing', async () => {
  expect(await looksAt(() => false, false)).toBe(6);
  expect(await looksAt((look) => look === 5, false)).toBe(5 + 6);
  expect(await looksAt((look) => (look === 5 ? undefined : false), false)).toBe(6 + 1);
  const atWork = await looksAt(() => false, true);
  expect([atWork > 50, atWork < 60]).toEqual([true, true]);
});

test('one that hangs again and again is ended less and less often, until it has not for an hour', () => {
  let now = 0;
  const patience = new Patience(() => now);
  const looks = Array.from({ length: 7 }, () => {
    const had = patience.looks;
    patience.lost();
    now += 60_000;
    return had;
  });
  expect(looks).toEqual([6, 12, 24, 48, 96, 96, 96]);
  now += 3_600_000;
  expect(patience.looks).toBe(6);
});
