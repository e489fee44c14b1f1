import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { descendants } from '../../../sandbox/daemon.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { openInbound, openOutbound, testSteps } from '../../support/open-adapter.ts';
import { signalConnections } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

const SERVER = '/usr/lib/openssh/sftp-server';
const OTHER = { name: 'labor', password: 'of the laboratory' };
/** What sudo does is decided by the command and by whom it runs as. */
const SUDOERS = `
hub ALL=(root) NOPASSWD: ${SERVER}, /usr/bin/env, /usr/bin/true, /nowhere/sftp-server
hub ALL=(${OTHER.name}) ${SERVER}
Defaults!/usr/bin/true requiretty
`;

describeWithSshd(
  'SFTP through sudo',
  (server) => {
    const to = (sudo: object, more: object = {}) => {
      const { given, options } = sftpTo(server());
      const password = { kind: 'basic', user: 'hub', password: server().password } as const;
      const wrong = { kind: 'basic', user: 'hub', password: SECRET_MARKER } as const;
      return {
        given: { ...given, sudo, ...more },
        options: { credentials: { ...options.credentials, password, wrong } },
      };
    };

    test('reads and writes a folder that the account itself may not enter', async () => {
      const folder = join(server().home, `closed-${Date.now()}`);
      await mkdir(folder, { mode: 0o700 });
      // more than the window of a channel
      const large = Buffer.alloc(6 * 1024 * 1024, 'MSH|');
      await writeFile(join(folder, 'a.hl7'), large);
      const { given, options } = to({});
      const read = { ...given, folder, every: '20ms', stable: '0s' };
      await using service = await openInbound(sftpIn, read, options);
      await vi.waitFor(() => expect(service.delivered.map(({ name }) => name)).toEqual(['a.hl7']));
      await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]));
      await service[Symbol.asyncDispose]();
      const write = { ...given, folder, name: '{id}.hl7' };
      await using operation = await openOutbound(sftpOut, write, options);
      await operation.send(large, { id: 1 });
      // sudo, and what it runs as root, end with the connection
      await signalConnections(server().pid, 'SIGKILL');
      await vi.waitFor(() => operation.send(Buffer.from('MSH|b'), { id: 2 }));
      await operation.close();
      expect(large.equals(await readFile(join(folder, '1.hl7')))).toBe(true);
      expect(await readdir(folder)).toEqual(['1.hl7', '2.hl7']);
      await vi.waitFor(async () => expect(await descendants(server().pid)).toEqual([]));
      await rm(folder, { recursive: true });
    });

    test('gives the password that sudo asks for, and is the other user', async () => {
      const folder = join(server().home, 'of-the-laboratory');
      await mkdir(folder);
      await chown(folder, 64_102, 64_102);
      await chmod(folder, 0o700);
      const { given, options } = to({ user: OTHER.name, credential: 'password' }, { folder });
      const steps = await testSteps(sftpOut, { ...given, name: 'x' }, options);
      expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual(
        ['name', 'TCP', 'banner', 'host key', 'sign-in', 'sudo', 'path', 'permission'].map(
          (name) => `${name} passed`,
        ),
      );
      expect(steps.find(({ name }) => name === 'sudo')?.detail).toBe(
        `runs ${SERVER} as ${OTHER.name}`,
      );
      await rm(folder, { recursive: true });
    });

    test.for<[string, object, RegExp, RegExp]>([
      [
        'a password is wanted',
        { user: OTHER.name },
        /sudo asks for a password, or does not allow the command/,
        /sudoers say: hub ALL=\(labor\) NOPASSWD: \/usr\/lib\/openssh\/sftp-server .*or set sudo\.credential/,
      ],
      [
        'the password is wrong',
        { user: OTHER.name, credential: 'wrong' },
        /refuses the password of sudo\.credential/,
        /that of hub, who signs in, not that of labor/,
      ],
      [
        'no password is asked for',
        { credential: 'password' },
        /sudo asks for no password/,
        /Leave out sudo\.credential/,
      ],
      [
        'a terminal is wanted',
        { command: '/usr/bin/true' },
        /wants a terminal \(requiretty\)/,
        /Defaults:hub !requiretty/,
      ],
      [
        'the command is not allowed',
        { user: OTHER.name, command: '/usr/bin/id', credential: 'password' },
        /does not allow hub to run the command as labor/,
        /sudoers say: hub ALL=\(labor\) \/usr\/bin\/id/,
      ],
      [
        'there is no such command',
        { command: '/nowhere/sftp-server' },
        /there is no \/nowhere\/sftp-server on the server/,
        /Correct sudo\.command: it is \/usr\/lib\/openssh\/sftp-server on Debian/,
      ],
      [
        'there is no such user',
        { user: 'zoe', credential: 'password' },
        /the server has no user zoe/,
        /Correct sudo\.user/,
      ],
      [
        'the command is no SFTP server',
        { command: '/usr/bin/env' },
        /something else than an SFTP server answers/,
        /start files of the shell of hub/,
      ],
    ])('says why not where %s', async ([, sudo, cause, remedy]) => {
      const { given, options } = to(sudo, { folder: '/', name: 'x', connectTimeout: '4s' });
      const steps = await testSteps(sftpOut, given, options);
      const failed = steps.find(({ result }) => result === 'failed');
      expect(failed).toMatchObject({
        name: 'sudo',
        cause: expect.stringMatching(cause),
        remedy: expect.stringMatching(remedy),
      });
      expect(JSON.stringify(steps)).not.toContain(SECRET_MARKER);
    });

    test('says where the account may run no command at all', async () => {
      const { given, options } = to({}, { folder: '/', name: 'x' });
      const [key] = await onlySftp(server().folder);
      try {
        const failed = (await testSteps(sftpOut, given, options)).find(
          ({ result }) => result === 'failed',
        );
        expect(failed?.cause).toMatch(
          /something else than an SFTP server answers|SFTP alone, and runs no commands/,
        );
      } finally {
        await writeFile(join(server().folder, 'authorized_keys'), key ?? '');
      }
    });
  },
  { other: OTHER, sudoers: SUDOERS },
);

/** Lets the key start the server's own SFTP alone. */
async function onlySftp(folder: string): Promise<string[]> {
  const file = join(folder, 'authorized_keys');
  const before = await readFile(file, 'utf8');
  await writeFile(file, before.replaceAll(/^ssh-/gm, 'restrict,command="internal-sftp" ssh-'));
  return [before];
}
