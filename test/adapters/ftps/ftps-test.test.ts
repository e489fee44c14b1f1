import { expect, test } from 'vitest';
import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { failedStep, testSteps } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd } from '../../support/ssh-server.ts';

/** Protocol and cipher, names and expiry, chain. */
const HANDSHAKE =
  /^TLSv1\.3 TLS_\w+; CN=localhost, .*valid until \d{4}-\d\d-\d\d, for DNS:localhost.*; sent with/;

const ORDER = ['name', 'TCP', 'greeting', 'TLS', 'sign-in', 'path', 'permission'];
const IMPLICIT = ['name', 'TCP', 'TLS', 'greeting', 'sign-in', 'path', 'permission'];
const WRONG: Credential = { kind: 'basic', user: 'hub', password: SECRET_MARKER };

for (const program of ftpsPrograms) {
  describeWithFtpd('the connection test of FTPS', { program }, (server) => {
    test('goes through every step and says what it saw', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a.txt', 'a');
      const { given, options } = ftpsTo(server());
      for (const steps of [
        await testSteps(ftpsIn, { ...given, folder: folder.name }, options),
        await testSteps(ftpsOut, { ...given, folder: folder.name, name: 'x' }, options),
      ]) {
        const [names, failed] = failedStep(steps);
        expect(failed).toBeUndefined();
        expect(names).toEqual(ORDER);
        const said = Object.fromEntries(steps.map(({ name, detail }) => [name, detail]));
        expect(said['greeting']).toMatch(/^220 .*ftpd/i);
        expect(said['TLS']).toMatch(HANDSHAKE);
        expect(said['path']).toBe(`${folder.name} holds 1 entry`);
      }
      expect(await folder.names()).toEqual(['a.txt']);
    });

    test('shows the certificates also where they are not trusted', async () => {
      const { given, options } = ftpsTo(server());
      const untrusting = { ...given, folder: '', name: 'x', tls: {} };
      const steps = await testSteps(ftpsOut, untrusting, options);
      expect(steps.at(-1)).toMatchObject({ name: 'TLS', result: 'failed' });
      expect(steps.at(-1)?.detail).toMatch(HANDSHAKE);
    });

    test.for([
      [
        'an unknown name',
        { connect: 'no-such-host.invalid:21' },
        'name',
        /does not know the name/,
        /spelling/,
      ],
      ['nobody there', { connect: '127.0.0.1:1' }, 'TCP', /nothing listens/, /port/],
      [
        'implicit TLS',
        { security: 'implicit' },
        'TLS',
        /begins in plain text/,
        /security: explicit/,
      ],
      ['an authority unknown to us', { tls: {} }, 'TLS', /not trusted here/, /trust/],
      ['a wrong password', { credential: 'wrong' }, 'sign-in', /refused the sign-in/, /Check/],
      ['no folder', { folder: 'nowhere' }, 'path', /no folder \S+\/nowhere/, /Correct the path/],
      ['no permission', { folder: '/etc' }, 'permission', /not allow us to write in/, /permission/],
    ] as const)('%s fails with cause and remedy', async ([, settings, step, cause, remedy]) => {
      const { given, options } = ftpsTo(server());
      const credentials = { ...options.credentials, wrong: WRONG };
      const steps = await testSteps(
        ftpsOut,
        { ...given, folder: '', name: 'x', ...settings },
        { credentials },
      );
      const [names, failed] = failedStep(steps);
      const order = 'security' in settings ? IMPLICIT : ORDER;
      expect(names).toEqual(order.slice(0, order.indexOf(step) + 1));
      expect(failed?.cause).toMatch(cause);
      expect(failed?.remedy).toMatch(remedy);
      expect(JSON.stringify(steps)).not.toContain(SECRET_MARKER);
    });
  });

  describeWithFtpd('a port with implicit TLS', { program, security: 'implicit' }, (server) => {
    test('goes through TLS before the greeting', async () => {
      const { given, options } = ftpsTo(server(), 'implicit');
      const steps = await testSteps(ftpsOut, { ...given, folder: '', name: 'x' }, options);
      const [names, failed] = failedStep(steps);
      expect(failed).toBeUndefined();
      expect(names).toEqual(IMPLICIT);
      expect(steps[2]?.detail).toMatch(HANDSHAKE);
    });

    test('spoken to with explicit TLS is told to set security: implicit', async () => {
      const { given, options } = ftpsTo(server());
      const steps = await testSteps(ftpsIn, { ...given, folder: '' }, options);
      expect(steps.at(-1)).toMatchObject({
        name: 'greeting',
        cause: expect.stringMatching(/speaks TLS from the start: this is implicit TLS/),
        remedy: expect.stringMatching(/Set security: implicit/),
      });
    });
  });
}

describeWithSshd('FTPS at a port of SSH', (server) => {
  test('is told to use SFTP', async () => {
    const steps = await testSteps(
      ftpsIn,
      { connect: `127.0.0.1:${server().port}`, credential: 'drop', folder: '' },
      { credentials: { drop: WRONG } },
    );
    expect(steps.at(-1)).toMatchObject({
      name: 'greeting',
      cause: expect.stringMatching(/is an SSH server: it speaks SFTP, which is not FTPS/),
      remedy: expect.stringMatching(/Use sftp-in or sftp-out/),
    });
  });
});
