import { expect, test, vi } from 'vitest';
import { startNatsServer } from '../../../src/broker/embedded/nats-server.ts';
import { Patience } from '../../../src/broker/embedded/server-life.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test.skipIf(process.platform === 'win32')(
  'a server that hangs is ended and started again',
  async () => {
    await using folder = await temporaryFolder();
    const onRestart = vi.fn<(reason: string) => void>();
    const looks = { every: 10, answer: 200 };
    await using server = await startNatsServer({ data: folder.path, onRestart, looks });
    const { pid = 0 } = server;
    process.kill(pid, 'SIGSTOP');
    await vi.waitFor(() => expect(onRestart).toHaveBeenCalledTimes(2));
    expect(onRestart.mock.calls).toEqual([
      ['nats-server runs but does not answer any more: it is ended'],
      ['nats-server ended (SIGKILL)'],
    ]);
    await vi.waitFor(() => expect(server.pid).not.toBe(pid));
  },
);

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
