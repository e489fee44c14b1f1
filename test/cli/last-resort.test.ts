import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SECRET = 'Doe^John';

const from = (path: string): string => JSON.stringify(resolve('src', path));

/** Runs a program under the last resort of the engine: what it wrote to its log, and how it ended. */
async function program(text: string): Promise<{ code: number; log: string; out: string }> {
  const source = `
    import { lastResort } from ${from('cli/own-process.ts')};
    import { rootLogger } from ${from('log/logger.ts')};
    import { logUnexpected } from ${from('log/log-unexpected.ts')};
    logUnexpected(rootLogger('info'));
    lastResort(async () => { console.log('ended in order'); });
    setTimeout(() => { console.log('went on'); process.exit(0); }, 500);
    ${text}`;
  const started = promisify(execFile)(process.execPath, ['--input-type=module', '-e', source]);
  try {
    const { stdout, stderr } = await started;
    return { code: 0, log: stderr, out: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, log: stderr, out: stdout };
  }
}

test('a rejected promise that nobody owns is told, and the engine goes on', async () => {
  const { code, log, out } = await program(`Promise.reject(new TypeError('${SECRET}'));`);
  expect(log).toMatch(/"event":"unexpected-error".*TypeError/);
  expect(log).not.toContain(SECRET);
  expect({ code, out }).toEqual({ code: 0, out: 'went on\n' });
});

test('the error of a connection that nobody heard is told, and the engine goes on', async () => {
  const { code, log, out } = await program(`
    import { connect } from 'node:net';
    connect(1, '127.0.0.1');`);
  expect(log).toMatch(/unexpected while using a connection: Error ECONNREFUSED/);
  expect({ code, out }).toEqual({ code: 0, out: 'went on\n' });
});

test('after any other exception the engine tells it, ends in order and with a code', async () => {
  const { code, log, out } = await program(
    `setImmediate(() => { throw new RangeError('${SECRET}'); });`,
  );
  expect(log).toMatch(/"event":"unexpected-error".*RangeError/);
  expect(log).not.toContain(SECRET);
  expect({ code, out }).toEqual({ code: 70, out: 'ended in order\n' });
});
