import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import ftpsIn from '../../adapters/ftps/ftps-in.ts';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import { describeWithFtpd, ftpsTo } from '../support/ftps-server.ts';
import { type OpenedInbound, openInbound } from '../support/open-adapter.ts';
import { type RemoteFolder, remoteFolder } from '../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../support/ssh-server.ts';

/** An archive on another disk of the server, where only ProFTPD moves a file to: it copies. */

const LOOKING = { every: '10ms', stable: '0s', archive: 'small/taken' };

const told = ({ events }: OpenedInbound): string[] =>
  events.flatMap(({ name }) => (name === 'file-not-removed' ? [name] : []));

/** The names of the files that were delivered before they could be archived, and those after. */
async function delivered(
  folder: RemoteFolder,
  open: (more: object, memory?: string) => Promise<OpenedInbound>,
): Promise<(string | undefined)[][]> {
  await folder.put('a.txt', 'a');
  const settings = { folder: folder.name, ...LOOKING };
  const first = await open(settings);
  await vi.waitFor(() => expect(told(first)).toEqual(['file-not-removed']));
  // a further file shows that the service goes on, and has looked at the first again
  await folder.put('b.txt', 'b');
  await vi.waitFor(() => expect(told(first)).toHaveLength(2));
  expect(first.lost).toEqual([]);
  await first.close();
  await using second = await open({ ...settings, archive: `${folder.name}/taken` }, first.memory);
  await vi.waitFor(async () => expect(await folder.names()).toEqual(['taken']));
  return [first, second].map((one) => one.delivered.map(({ name }) => name));
}

describeWithSshd(
  'sftp-in',
  (server) => {
    test('delivers each file once, says so, and archives them where that is possible', async () => {
      await using folder = await remoteFolder(server().home);
      const { given, options } = sftpTo(server());
      const names = await delivered(folder, (more, memory) =>
        openInbound(sftpIn, { ...given, ...more }, { ...options, ...(memory && { memory }) }),
      );
      expect(names).toEqual([['a.txt', 'b.txt'], []]);
    });
  },
  { smallDisk: true },
);

describeWithFtpd('ftps-in', { program: 'vsftpd', smallDisk: true }, (server) => {
  test('delivers each file once, says so, and archives them where that is possible', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = ftpsTo(server());
    const names = await delivered(folder, (more, memory) =>
      openInbound(ftpsIn, { ...given, ...more }, { ...options, ...(memory && { memory }) }),
    );
    expect(names).toEqual([['a.txt', 'b.txt'], []]);
  });
});

describeWithFtpd('ftps-in', { program: 'proftpd', smallDisk: true }, (server) => {
  test('archives each file, delivered once', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = ftpsTo(server());
    await using opened = await openInbound(
      ftpsIn,
      { ...given, folder: folder.name, ...LOOKING },
      options,
    );
    for (const name of ['a.txt', 'b.txt']) await folder.put(name, name);
    // only the server sees its disk
    const archive = join(`/proc/${server().pid}/root`, server().home, LOOKING.archive);
    await vi.waitFor(async () =>
      expect((await readdir(archive)).toSorted()).toEqual(['a.txt', 'b.txt']),
    );
    expect(await readFile(join(archive, 'b.txt'), 'utf8')).toBe('b.txt');
    expect(await folder.names()).toEqual([]);
    expect(opened.delivered).toHaveLength(2);
    expect(new Set(opened.delivered.map(({ name }) => name))).toEqual(new Set(['a.txt', 'b.txt']));
    expect(told(opened)).toEqual([]);
  });
});
