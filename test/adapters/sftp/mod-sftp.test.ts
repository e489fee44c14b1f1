import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { ftpsServer, whyNoFtpsServer } from '../../../sandbox/ftps/ftps.ts';
import { fingerprintOf } from '../../../sandbox/ssh.ts';
import { openInbound, openOutbound, streamedBody } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);
const reason = await whyNoFtpsServer('proftpd');
const why = reason === undefined ? '' : ` (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(`SFTP with ProFTPD's mod_sftp${why}`, () => {
  test('sends, replaces, numbers and takes files as with OpenSSH', async () => {
    await using keys = await temporaryFolder('keys');
    const key = join(keys.path, 'host_key');
    await run('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', key]);
    const { stdout: line } = await run('ssh-keygen', ['-y', '-f', key]);
    const port = await freePort();
    await using server = await ftpsServer({
      program: 'proftpd',
      lines: [
        'LoadModule mod_sftp.c',
        '<VirtualHost 127.0.0.1>',
        `Port ${port}`,
        'SFTPEngine on',
        `SFTPHostKey ${key}`,
        'SFTPAuthMethods password',
        'AuthOrder mod_auth_unix.c',
        'RequireValidShell off',
        'AllowOverwrite on',
        '</VirtualHost>',
      ],
    });
    await using folder = await remoteFolder(server.home);
    const given = {
      connect: `127.0.0.1:${port}`,
      credential: 'drop',
      hostKey: fingerprintOf(line),
      folder: folder.name,
    };
    const { user, password } = server;
    const options = { credentials: { drop: { kind: 'basic', user, password } as const } };
    await using numbering = await openOutbound(
      sftpOut,
      { ...given, name: 'a.bin', exists: 'number' },
      options,
    );
    const large = Buffer.alloc(3_000_000, 'a line of a report\n');
    await numbering.send(streamedBody(large), { id: 1 });
    await numbering.send(Buffer.from('second'), { id: 2 });
    await using replacing = await openOutbound(
      sftpOut,
      { ...given, name: 'a-1.bin', exists: 'replace', mode: '0640' },
      options,
    );
    await replacing.send(Buffer.from('third'), { id: 3 });
    expect(await folder.names()).toEqual(['a-1.bin', 'a.bin']);
    expect((await folder.read('a-1.bin')).toString()).toBe('third');
    expect((await folder.read('a.bin')).equals(large)).toBe(true);
    await using service = await openInbound(
      sftpIn,
      { ...given, every: '10ms', stable: '0s', order: 'name' },
      options,
    );
    await vi.waitFor(async () => expect(await folder.names()).toEqual([]), { timeout: 10_000 });
    expect(service.delivered.map(({ body }) => body.length)).toEqual([5, 3_000_000]);
  });
});
