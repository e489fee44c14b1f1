import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import type { FtpsServer } from '../../../sandbox/ftps/ftps.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';
import { type RemoteFolder, remoteFolder } from '../../support/remote-folder.ts';
import { looksAgain, names, PATIENCE } from '../../support/sftp-service.ts';

async function opened(
  server: FtpsServer,
  folder: RemoteFolder,
  settings: Readonly<Record<string, unknown>> = {},
  memory?: string,
): Promise<OpenedInbound> {
  const { given, options } = ftpsTo(server);
  return await openInbound(
    ftpsIn,
    { ...given, folder: folder.name, every: '10ms', stable: '0s', ...settings },
    { ...options, ...(memory !== undefined && { memory }) },
  );
}

for (const program of ftpsPrograms) {
  describeWithFtpd('picking up', { program }, (server) => {
    test('takes files of the pattern, as deep as told, and archives them with their path', async () => {
      await using folder = await remoteFolder(server().home);
      await mkdir(join(folder.path, 'ward'));
      await chmod(join(folder.path, 'ward'), 0o777);
      await writeFile(join(folder.path, 'ward', 'b.hl7'), 'b');
      for (const name of ['a.hl7', 'c.txt', '.d.hl7']) await folder.put(name, name);
      await using service = await opened(server(), folder, {
        pattern: '*.hl7',
        subfolders: 1,
        order: 'name',
        archive: `${folder.name}/taken`,
      });
      await vi.waitFor(() => expect(names(service)).toEqual(['a.hl7', 'ward/b.hl7']), PATIENCE);
      await vi.waitFor(
        async () => expect((await folder.read('taken/ward/b.hl7')).toString()).toBe('b'),
        PATIENCE,
      );
      expect(await folder.names()).toEqual(['.d.hl7', 'c.txt', 'taken', 'ward']);
    });

    test('takes the oldest first, also by a listing that has no years', async () => {
      await using folder = await remoteFolder(server().home);
      const now = Date.now() / 1_000;
      for (const [name, age] of [
        ['a', 2 * 86_400],
        ['b', 60],
        ['c', 400 * 86_400],
        ['d', 100 * 86_400],
      ] as const) {
        await writeFile(join(folder.path, name), name);
        await utimes(join(folder.path, name), now - age, now - age);
      }
      await using service = await opened(server(), folder);
      await vi.waitFor(() => expect(names(service)).toEqual(['c', 'd', 'a', 'b']), PATIENCE);
    });

    test('odd names pass unharmed, also those that LIST would take for a pattern or an option', async () => {
      await using folder = await remoteFolder(server().home);
      const odd = ['a b.txt', 'x[1].txt', '-la.txt', '病人 ä.txt', 'st*r.txt', "it's.txt"];
      for (const name of odd) await folder.put(name, name);
      await using service = await opened(server(), folder);
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
      expect(new Set(names(service))).toEqual(new Set(odd));
    });

    test('a folder with a blank and brackets in its name is listed and not searched for', async () => {
      await using folder = await remoteFolder(server().home);
      await mkdir(join(folder.path, 'lab [1] in'));
      await chmod(join(folder.path, 'lab [1] in'), 0o777);
      await writeFile(join(folder.path, 'lab [1] in', 'a.txt'), 'a');
      await using service = await opened(server(), folder, {
        folder: `${folder.name}/lab [1] in`,
      });
      await vi.waitFor(() => expect(names(service)).toEqual(['a.txt']), PATIENCE);
    });

    test('leaves files where told, and takes none twice, not even after a restart', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a', 'one');
      const first = await opened(server(), folder, { keep: true });
      await vi.waitFor(() => expect(names(first)).toEqual(['a']), PATIENCE);
      await looksAgain(first, folder);
      await first.close();
      await using second = await opened(server(), folder, { keep: true }, first.memory);
      await looksAgain(second, folder);
      expect(names(second)).toEqual(['zz-later-0.txt']);
    });

    test('never writes over a file in the archive, although FTP would', async () => {
      await using folder = await remoteFolder(server().home);
      await using service = await opened(server(), folder, { archive: `${folder.name}/taken` });
      for (const content of ['monday', 'tuesday']) {
        await folder.put('daily.txt', content);
        await vi.waitFor(async () => expect(await folder.names()).toEqual(['taken']), PATIENCE);
      }
      expect(service.delivered).toHaveLength(2);
      expect(await readdir(join(folder.path, 'taken'))).toHaveLength(2);
    });

    test('delivers once a file that it may not delete, and deletes it when it may', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a.txt', 'a');
      await chmod(folder.path, 0o555);
      await using service = await opened(server(), folder);
      await vi.waitFor(
        () => expect(service.events.at(-1)?.name).toBe('file-not-removed'),
        PATIENCE,
      );
      await looksAgain(service, folder);
      expect(names(service)).toEqual(['a.txt', 'zz-later-1.txt']);
      await chmod(folder.path, 0o777);
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
      expect(service.lost).toEqual([]);
    });

    test('passes over a file it may not read, says so, and goes on', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a.txt', 'a');
      await chmod(join(folder.path, 'a.txt'), 0o600);
      await using service = await opened(server(), folder);
      await looksAgain(service, folder);
      expect(service.events.filter(({ name }) => name === 'file-unreadable')).toHaveLength(1);
      expect(service.lost).toEqual([]);
    });

    test('a file that is written over while it waits for the engine is taken anew', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a.txt', 'old');
      await using service = await opened(server(), folder);
      service.hold();
      await vi.waitFor(() => expect(service.waiting).toBe(1), PATIENCE);
      await folder.put('a.txt', 'new content');
      service.release();
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
      expect(service.delivered.map(({ body }) => body.toString())).toEqual(['old', 'new content']);
    });

    test('a folder that is not there is an error, although the server lists it as empty', async () => {
      await using folder = await remoteFolder(server().home);
      await using service = await opened(server(), folder, { folder: `${folder.name}/nowhere` });
      await vi.waitFor(() => expect(service.lost).toHaveLength(1), PATIENCE);
      expect(service.lost[0]).toMatchObject({
        code: 'ADAPTER_TEMPORARY',
        message: expect.stringMatching(/There is no folder \S+\/nowhere on 127.0.0.1:\d+/),
      });
    });

    test('a folder that may be entered and not listed is an error and not empty', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('a.txt', 'a');
      await chmod(folder.path, 0o311);
      await using service = await opened(server(), folder);
      await vi.waitFor(() => expect(service.lost).toHaveLength(1), PATIENCE);
      expect(service.lost[0]?.message).toMatch(/does not allow us to list|may not enter it/);
    });
  });
}
