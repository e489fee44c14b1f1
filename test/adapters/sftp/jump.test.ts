import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import { type SshServer, sshServer } from '../../../sandbox/ssh.ts';
import { openInbound, testSteps } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { noSshServer, sftpTo, WRONG } from '../../support/ssh-server.ts';

describe.skipIf(noSshServer !== undefined)('SFTP through a jump host', () => {
  let server: SshServer;
  let bastion: SshServer;
  beforeAll(async () => {
    server = await sshServer();
    // It leads to the server and nowhere else, and serves no files.
    bastion = await sshServer({
      user: 'jumper',
      lines: ['Subsystem none /bin/false', `PermitOpen 127.0.0.1:${server.port} 127.0.0.1:1`],
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await bastion[Symbol.asyncDispose]();
  });

  function given(jump: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
    const { given: own, options } = sftpTo(server);
    const { given: other, options: its } = sftpTo(bastion);
    return {
      settings: { ...own, jump: { ...other, credential: 'bastion', ...jump }, ...more },
      options: {
        ...options,
        credentials: {
          ...options.credentials,
          bastion: its.credentials['drop'] ?? WRONG,
          wrong: WRONG,
        },
      },
    };
  }

  test('files are taken, again after the jump host was gone', async () => {
    await using folder = await remoteFolder(server.home);
    await folder.put('a.txt', 'a');
    const { settings, options } = given({}, { folder: folder.name, every: '100ms' });
    let opened = await openInbound(sftpIn, settings, options);
    const delivered: string[] = [];
    const taken = async (count: number): Promise<void> => {
      await vi.waitFor(
        async () => {
          delivered.push(...opened.delivered.splice(0).map(({ name }) => String(name)));
          // what was under way with the jump host is a lost connection; an engine opens the adapter anew
          if (opened.lost.length > 0) {
            await opened.close();
            opened = await openInbound(sftpIn, settings, options);
          }
          expect(delivered.length).toBe(count);
        },
        { timeout: 25_000, interval: 50 },
      );
    };
    await taken(1);
    await bastion.stop();
    await bastion.start();
    await folder.put('b.txt', 'b');
    await taken(2);
    await opened.close();
    expect(delivered).toEqual(['a.txt', 'b.txt']);
  });

  test('try goes through the steps of both', async () => {
    await using folder = await remoteFolder(server.home);
    const { settings, options } = given({}, { folder: folder.name });
    const steps = await testSteps(sftpIn, settings, options);
    expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
    const said = Object.fromEntries(steps.map(({ name, detail }) => [name, detail]));
    expect(said).toMatchObject({
      'jump host: TCP': expect.stringContaining(`:${bastion.port}`),
      'jump host: banner': expect.stringMatching(/^OpenSSH/),
      'jump host: host key': `ssh-ed25519 ${bastion.hostKeys[0]?.fingerprint}`,
      'jump host: sign-in': expect.stringContaining('used was publickey'),
      'jump host: forwarding': `leads to 127.0.0.1:${server.port}`,
      'host key': `ssh-ed25519 ${server.hostKeys[0]?.fingerprint}`,
      'sign-in': expect.stringContaining('used was publickey'),
      path: expect.any(String),
    });
  });

  test.for([
    [
      'a wrong key of the jump host',
      { hostKey: `SHA256:${'A'.repeat(43)}` },
      {},
      'jump host: host key',
      /\(the jump host\) is not the expected one/,
    ],
    [
      'a wrong password at the jump host',
      { credential: 'wrong' },
      {},
      'jump host: sign-in',
      /\(the jump host\) refused the sign-in/,
    ],
    [
      'a place it may not lead to',
      {},
      { connect: '127.0.0.1:2' },
      'jump host: forwarding',
      /\(the jump host\) does not allow this user to be forwarded to 127.0.0.1:2/,
    ],
    [
      'a place where nobody is',
      {},
      { connect: '127.0.0.1:1' },
      'jump host: forwarding',
      /\(the jump host\) cannot reach 127.0.0.1:1/,
    ],
    [
      'a wrong key behind it',
      {},
      { hostKey: `SHA256:${'A'.repeat(43)}` },
      'host key',
      /is not the expected one/,
    ],
    ['a wrong password behind it', {}, { credential: 'wrong' }, 'sign-in', /refused the sign-in/],
  ] as const)('%s is found at its step', async ([, jump, more, step, cause]) => {
    const { settings, options } = given(jump, more);
    const steps = await testSteps(sftpIn, { ...settings, folder: '.' }, options);
    const failed = steps.find(({ result }) => result === 'failed');
    expect(failed).toMatchObject({ name: step, cause: expect.stringMatching(cause) });
  });
});
