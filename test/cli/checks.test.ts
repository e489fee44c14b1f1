import { expect, test } from 'vitest';
import { fileChecks } from '../../src/cli/checks.ts';

test('checks that wait for their turn when the engine stops are not begun', async () => {
  const checks = fileChecks();
  const none = new Map<string, Uint8Array>();
  const check = () =>
    checks.check({
      folder: '/nowhere',
      before: none,
      after: none,
      tests: false,
      overlays: [],
      environment: {},
      loaded: new Map(),
    });
  const ended = Promise.allSettled([check(), check(), check()]);
  await checks.stop();
  const stopped = { status: 'rejected', reason: { code: 'REHEARSAL_BUSY' } };
  expect((await ended)[2]).toMatchObject(stopped);
  await expect(check()).rejects.toMatchObject(stopped.reason);
});
