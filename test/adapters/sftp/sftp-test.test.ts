import { chmod } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { certificates } from '../../support/certificates.ts';
import { failedStep, testSteps } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo, WRONG } from '../../support/ssh-server.ts';
import { listening } from '../../support/tcp-server.ts';

const ORDER = ['name', 'TCP', 'banner', 'host key', 'sign-in', 'path', 'permission'];

describeWithSshd('the connection test of SFTP', (server) => {
  test('goes through every step and says what it saw', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    const { given, options } = sftpTo(server());
    for (const steps of [
      await testSteps(sftpIn, { ...given, folder: folder.name }, options),
      await testSteps(sftpOut, { ...given, folder: folder.name, name: 'x' }, options),
    ]) {
      const [names, failed] = failedStep(steps);
      expect(failed).toBeUndefined();
      expect(names).toEqual(ORDER);
      const said = Object.fromEntries(steps.map(({ name, detail }) => [name, detail]));
      expect(said['banner']).toMatch(/^OpenSSH/);
      expect(said['host key']).toBe(`ssh-ed25519 ${server().hostKeys[0]?.fingerprint}`);
      expect(said['sign-in']).toMatch(
        /accepts publickey, password; used was publickey \(ssh-ed25519/,
      );
      expect(said['path']).toBe(`${folder.name} holds 1 entry`);
    }
    expect(await folder.names()).toEqual(['a.txt']);
  });

  test.for([
    [
      'an unknown name',
      { connect: 'no-such-host.invalid:22' },
      'name',
      /does not know the name/,
      /spelling/,
    ],
    ['nobody there', { connect: '127.0.0.1:1' }, 'TCP', /nothing listens/, /port/],
    [
      'another host key',
      { hostKey: `SHA256:${'A'.repeat(43)}` },
      'host key',
      /is not the expected one: it is ssh-ed25519 SHA256:.*expected was SHA256:AAA/,
      /ask its owner/,
    ],
    ['no host key', { hostKey: [] }, 'host key', /No host key of/, /It has ssh-ed25519 SHA256:/],
    ['a wrong password', { credential: 'wrong' }, 'sign-in', /offers publickey, password/, /Check/],
    ['no folder', { folder: 'nowhere' }, 'path', /There is no folder nowhere/, /Correct the path/],
    ['no permission', { folder: '/etc' }, 'permission', /not allow us to write in/, /permission/],
  ] as const)('%s fails with cause and remedy', async ([, settings, step, cause, remedy]) => {
    const { given, options } = sftpTo(server());
    const credentials = { ...options.credentials, wrong: WRONG };
    const steps = await testSteps(
      sftpOut,
      { ...given, folder: '', name: 'x', ...settings },
      { credentials },
    );
    const [names, failed] = failedStep(steps);
    expect(names).toEqual(ORDER.slice(0, ORDER.indexOf(step) + 1));
    expect(failed?.cause).toMatch(cause);
    expect(failed?.remedy).toMatch(remedy);
    expect(JSON.stringify(steps)).not.toContain(SECRET_MARKER);
  });

  test('where taken and refused files go is tried too, and nothing is left there', async () => {
    await using folder = await remoteFolder(server().home);
    await using failing = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    const away = { archive: `${folder.name}/taken`, failed: failing.name };
    const settings = { ...given, folder: folder.name, ...away };
    const steps = await testSteps(sftpIn, settings, options);
    expect(steps.at(-1)).toMatchObject({
      name: 'permission',
      result: 'passed',
      detail: `files in ${folder.name} can be moved; ${folder.name}/taken does not exist yet, and is created with the first; ${failing.name} accepts them`,
    });
    expect([...(await folder.names()), ...(await failing.names())]).toEqual([]);
    await chmod(failing.path, 0o555);
    const [, failed] = failedStep(await testSteps(sftpIn, settings, options));
    expect(failed).toMatchObject({
      name: 'permission',
      cause: expect.stringContaining(failing.name),
      remedy: expect.stringMatching(/permission/),
    });
  });

  test('a folder that is only read needs no right to write', async () => {
    await using folder = await remoteFolder(server().home);
    await chmod(folder.path, 0o555);
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name };
    const [, failed] = failedStep(await testSteps(sftpIn, settings, options));
    expect(failed).toMatchObject({ name: 'permission', cause: expect.stringMatching(/not allow/) });
    const [, kept] = failedStep(await testSteps(sftpIn, { ...settings, keep: true }, options));
    expect(kept).toBeUndefined();
  });
});

describe('the connection test of SFTP at another service', () => {
  test('says that a port with implicit FTPS wants another adapter', async () => {
    await using made = await certificates();
    const { certificate: cert, key } = made.server;
    await using server = await listening(createTlsServer({ cert, key }));
    const steps = await testSteps(
      sftpOut,
      {
        connect: `127.0.0.1:${server.port}`,
        credential: 'drop',
        hostKey: `SHA256:${'A'.repeat(43)}`,
        folder: '',
        name: 'x',
      },
      { credentials: { drop: WRONG } },
    );
    const [names, failed] = failedStep(steps);
    expect(names).toEqual(['name', 'TCP', 'banner']);
    expect(failed?.cause).toMatch(/speaks TLS from the start, as implicit FTPS does/);
    expect(failed?.remedy).toMatch(/security: implicit/);
  });
});
