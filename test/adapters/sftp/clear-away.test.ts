import { chmod, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EngineError } from '../../../src/adapter/index.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { looksAgain, names, openedSftpIn, PATIENCE } from '../../support/sftp-service.ts';
import { describeWithSshd } from '../../support/ssh-server.ts';

describeWithSshd('clearing away at OpenSSH what was taken', (server) => {
  test('waits for a marker, and removes it with the file', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.hl7', 'a');
    await folder.put('b.hl7', 'b');
    await folder.put('b.hl7.done', '');
    await using service = await openedSftpIn(server(), folder, { marker: '.done' });
    await vi.waitFor(() => expect(names(service)).toEqual(['b.hl7']), PATIENCE);
    await vi.waitFor(async () => expect(await folder.names()).toEqual(['a.hl7']), PATIENCE);
    await folder.put('a.done', '');
    await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
    expect(names(service)).toEqual(['b.hl7', 'a.hl7']);
  });

  test('never writes over a file in the archive', async () => {
    await using folder = await remoteFolder(server().home);
    await using service = await openedSftpIn(server(), folder, { archive: `${folder.name}/taken` });
    for (const content of ['monday', 'tuesday', 'wednesday']) {
      await folder.put('daily.txt', content);
      await vi.waitFor(async () => expect(await folder.names()).toEqual(['taken']), PATIENCE);
    }
    expect(service.delivered).toHaveLength(3);
    const archived = await readdir(join(folder.path, 'taken'));
    expect(archived).toHaveLength(3);
    const contents = await Promise.all(archived.map((name) => folder.read(`taken/${name}`)));
    expect(contents.map(String).toSorted()).toEqual(['monday', 'tuesday', 'wednesday']);
  });

  test('leaves files where told, takes none twice, not even after a restart, and takes a changed one', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a', 'one');
    const first = await openedSftpIn(server(), folder, { keep: true });
    await vi.waitFor(() => expect(names(first)).toEqual(['a']), PATIENCE);
    await looksAgain(first, folder);
    await first.close();
    await using second = await openedSftpIn(server(), folder, { keep: true }, first.memory);
    await looksAgain(second, folder);
    expect(names(second)).toEqual(['zz-later-0.txt']);
    await folder.put('a', 'one, changed');
    await vi.waitFor(() => expect(names(second)).toEqual(['zz-later-0.txt', 'a']), PATIENCE);
    expect(await folder.names()).toHaveLength(3);
  });

  test('delivers once a file that it may not delete, says so once, and deletes it when it may', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    await chmod(folder.path, 0o555);
    await using service = await openedSftpIn(server(), folder);
    await vi.waitFor(() => expect(service.events.at(-1)?.name).toBe('file-not-removed'), PATIENCE);
    await looksAgain(service, folder);
    expect(names(service)).toEqual(['a.txt', 'zz-later-1.txt']);
    const told = () => service.events.filter(({ name }) => name === 'file-not-removed');
    // The second file is delivered before its removal is tried.
    await vi.waitFor(() => expect(told()).toHaveLength(2), PATIENCE);
    await chmod(folder.path, 0o777);
    await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
    expect(told()).toHaveLength(2);
    expect(service.delivered).toHaveLength(2);
    expect(service.lost).toEqual([]);
  });

  test('after a crash between delivery and removal the file is only removed', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    await chmod(folder.path, 0o555);
    const first = await openedSftpIn(server(), folder);
    await vi.waitFor(() => expect(first.events.at(-1)?.name).toBe('file-not-removed'), PATIENCE);
    await first.close();
    await chmod(folder.path, 0o777);
    await using second = await openedSftpIn(server(), folder, {}, first.memory);
    await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
    expect(second.delivered).toEqual([]);
  });

  test('a file delivered again has the same key, so that the engine stores it once', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    await utimes(join(folder.path, 'a.txt'), 1_700_000_000, 1_700_000_000);
    await chmod(folder.path, 0o555);
    const keys: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      // Without its memory: as if the engine had died just before it wrote it.
      await using service = await openedSftpIn(server(), folder);
      await vi.waitFor(() => expect(service.delivered).toHaveLength(1), PATIENCE);
      keys.push(service.delivered[0]?.dedupeKey);
    }
    await chmod(folder.path, 0o777);
    expect(keys).toEqual(['a.txt 1 1700000000000', 'a.txt 1 1700000000000']);
  });

  test.for([
    ['moved to `failed`', true],
    ['left and reported once', false],
  ] as const)('a file the engine refuses for good is %s', async ([, moves]) => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    await using service = await openedSftpIn(server(), folder, {
      ...(moves && { failed: `${folder.name}/failed` }),
    });
    service.refuse(new EngineError('MESSAGE_TOO_LARGE', 'Too large. Split it.'));
    const name = moves ? 'file-failed' : 'file-refused';
    await vi.waitFor(() => expect(service.events.at(-1)?.name).toBe(name), PATIENCE);
    service.accept();
    await looksAgain(service, folder);
    expect(names(service)).toEqual(['zz-later-0.txt']);
    expect(service.events.filter((event) => event.name === name)).toHaveLength(1);
    expect((await folder.read(moves ? 'failed/a.txt' : 'a.txt')).toString()).toBe('a');
  });

  test('a file that is written over while it waits for the engine is not deleted but taken anew', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'old');
    await using service = await openedSftpIn(server(), folder);
    service.hold();
    await vi.waitFor(() => expect(service.waiting).toBe(1), PATIENCE);
    await folder.put('a.txt', 'new content');
    service.release();
    await vi.waitFor(async () => expect(await folder.names()).toEqual([]), PATIENCE);
    expect(service.delivered.map(({ body }) => body.toString())).toEqual(['old', 'new content']);
  });
});
