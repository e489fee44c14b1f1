import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { descendants } from '../../sandbox/daemon.ts';
import { hasMailServers, mailServer, USERS } from '../support/mail-server.ts';

const run = promisify(execFile);
/** Debian installs it without what it needs for TLS. */
const hasSwaks = await run('swaks', ['--support']).then(
  ({ stdout }) => /^=== TLS supported/m.test(stdout),
  () => false,
);

describe.runIf(await hasMailServers())('the mail servers', () => {
  test.runIf(hasSwaks)(
    'take a mail of any program over submission, and put it into a mailbox',
    async () => {
      await using server = await mailServer();
      const options = `--server localhost --port ${server.ports.submission} --tls --tls-verify
        --tls-ca-path ${server.trust} --auth PLAIN --auth-user alice@lab.example
        --auth-password ${USERS['alice@lab.example']} --from alice@lab.example
        --to bob@lab.example --body by-swaks`;
      await run('swaks', options.split(/\s+/));
      await vi.waitFor(async () => {
        const mails = await server.mails('bob@lab.example');
        expect(mails.map(String).join('')).toContain('by-swaks');
      });
    },
  );

  test('leave no process and no folder behind', async () => {
    const server = await mailServer();
    const pids = [server.dovecot.pid, server.postfix.pid];
    const family = (await Promise.all(pids.map(descendants))).flat();
    expect(family.length).toBeGreaterThan(2);
    await server[Symbol.asyncDispose]();
    expect(existsSync(server.folder)).toBe(false);
    await vi.waitFor(async () => {
      const left = await Promise.all(pids.map(descendants));
      expect(left.flat()).toEqual([]);
    });
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});
