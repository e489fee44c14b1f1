import { appendFile, chmod, link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import { lend, openInbound } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { looksAgain, names, openedSftpIn, PATIENCE } from '../../support/sftp-service.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

describeWithSshd('picking up from OpenSSH', (server) => {
  test('takes what the pattern means, and no names under which senders write', async () => {
    await using folder = await remoteFolder(server().home);
    for (const name of ['a.hl7', 'b.txt', 'c.HL7', '.d.hl7', 'e.hl7.part', 'f.hl7.filepart']) {
      await folder.put(name, 'x');
    }
    await using service = await openedSftpIn(server(), folder, { pattern: ['*.hl7', 'b.*'] });
    await vi.waitFor(() => expect(service.delivered).toHaveLength(2), PATIENCE);
    expect(names(service)).toEqual(['a.hl7', 'b.txt']);
    await vi.waitFor(
      async () =>
        expect(await folder.names()).toEqual(['.d.hl7', 'c.HL7', 'e.hl7.part', 'f.hl7.filepart']),
      PATIENCE,
    );
  });

  test('goes as deep as told, and keeps the path in name and archive', async () => {
    await using folder = await remoteFolder(server().home);
    for (const [deep, file] of [
      ['', 'a'],
      ['ward', 'b'],
      ['ward/icu', 'c'],
    ] as const) {
      await mkdir(join(folder.path, deep), { recursive: true, mode: 0o777 });
      await chmod(join(folder.path, deep), 0o777);
      await writeFile(join(folder.path, deep, file), file);
    }
    await using service = await openedSftpIn(server(), folder, {
      subfolders: 1,
      order: 'name',
      archive: `${folder.name}/taken`,
    });
    await vi.waitFor(() => expect(names(service)).toEqual(['a', 'ward/b']), PATIENCE);
    await looksAgain(service, folder);
    expect(names(service)).toEqual(['a', 'ward/b', 'zz-later-2.txt']);
    expect((await folder.read('taken/ward/b')).toString()).toBe('b');
    expect((await folder.read('ward/icu/c')).toString()).toBe('c');
  });

  test.for([
    ['oldest', ['c', 'a', 'b']],
    ['newest', ['b', 'a', 'c']],
    ['name', ['a', 'b', 'c']],
  ] as const)('takes waiting files in order: %s', async ([order, expected]) => {
    await using folder = await remoteFolder(server().home);
    for (const [name, time] of [
      ['a', 2_000],
      ['b', 3_000],
      ['c', 1_000],
    ] as const) {
      await writeFile(join(folder.path, name), name);
      await utimes(join(folder.path, name), time, time);
    }
    await using service = await openedSftpIn(server(), folder, { order });
    await vi.waitFor(() => expect(names(service)).toEqual(expected), PATIENCE);
  });

  test('waits until a file has stood still', async () => {
    await using folder = await remoteFolder(server().home);
    await using service = await openedSftpIn(server(), folder, { stable: '300ms' });
    const file = join(folder.path, 'slow.txt');
    for (let size = 1; size <= 4; size++) {
      await writeFile(file, 'x'.repeat(size));
      const begin = performance.now();
      await vi.waitUntil(() => performance.now() - begin > 150, { interval: 10 });
      expect(service.delivered).toEqual([]);
    }
    await vi.waitFor(() => expect(service.delivered).toHaveLength(1), PATIENCE);
    expect(service.delivered[0]?.body.toString()).toBe('xxxx');
  });

  test('passes over a file it may not read, says so once, and goes on', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('a.txt', 'a');
    await chmod(join(folder.path, 'a.txt'), 0o600);
    await using service = await openedSftpIn(server(), folder);
    await looksAgain(service, folder);
    expect(service.events.filter(({ name }) => name === 'file-unreadable')).toHaveLength(1);
    expect(service.lost).toEqual([]);
    await chmod(join(folder.path, 'a.txt'), 0o644);
    await vi.waitFor(() => expect(names(service)).toContain('a.txt'), PATIENCE);
  });

  test('a file above the limit and an empty one are not taken', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('large.txt', 'x'.repeat(2_000));
    await folder.put('empty.txt', '');
    await using service = await openedSftpIn(server(), folder, { limit: '1KB' });
    await looksAgain(service, folder);
    expect(names(service)).toEqual(['zz-later-0.txt']);
    expect(service.events.map(({ name }) => name).toSorted()).toEqual([
      'connected',
      'file-empty',
      'file-refused',
    ]);
  });

  test('follows links if told to, but none that leads back, and passes over links to nowhere and other things', async () => {
    await using folder = await remoteFolder(server().home);
    await writeFile(join(folder.path, '.target'), 'linked');
    await symlink('.target', join(folder.path, 'soft.txt'));
    await link(join(folder.path, '.target'), join(folder.path, 'hard.txt'));
    await symlink('nowhere', join(folder.path, 'broken.txt'));
    await mkdir(join(folder.path, 'folder.txt'));
    await using shy = await openedSftpIn(server(), folder, { order: 'name', keep: true });
    await vi.waitFor(() => expect(names(shy)).toEqual(['hard.txt']), PATIENCE);
    await shy.close();
    await symlink('.', join(folder.path, 'again'));
    const given = { order: 'name', followLinks: true, subfolders: 3, keep: true };
    await using service = await openedSftpIn(server(), folder, given);
    await vi.waitFor(() => expect(names(service)).toEqual(['hard.txt', 'soft.txt']), PATIENCE);
    expect(service.delivered.map(({ body }) => body.toString())).toEqual(['linked', 'linked']);
  });

  test('names with blanks, quotes and other scripts pass unharmed', async () => {
    await using folder = await remoteFolder(server().home);
    const odd = ['a b.txt', "it's.txt", '病人 ä.txt', '$(x) & ;.txt', '-rf.txt'];
    for (const name of odd) await folder.put(name, name);
    await using service = await openedSftpIn(server(), folder, { archive: `${folder.name}/taken` });
    await vi.waitFor(async () => expect(await folder.names()).toEqual(['taken']), PATIENCE);
    expect(new Set(names(service))).toEqual(new Set(odd));
  });

  test('a name that is not in UTF-8 is reported, since nobody could ask for it', async () => {
    await using folder = await remoteFolder(server().home);
    await writeFile(
      Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0x61, 0xe4])]),
      'x',
    );
    await using service = await openedSftpIn(server(), folder);
    await looksAgain(service, folder);
    expect(names(service)).toEqual(['zz-later-0.txt']);
    expect(service.events.at(-1)).toMatchObject({
      name: 'file-unreadable',
      text: expect.stringMatching(/name is not in UTF-8/),
    });
  });

  test('a folder that is not there is named', async () => {
    await using folder = await remoteFolder(server().home);
    await using service = await openedSftpIn(server(), folder, {
      folder: `${folder.name}/nowhere`,
    });
    await vi.waitFor(() => expect(service.lost).toHaveLength(1), PATIENCE);
    expect(service.lost[0]).toMatchObject({ code: 'ADAPTER_TEMPORARY', retryable: true });
    expect(service.lost[0]?.message).toMatch(
      new RegExp(`There is no folder ${folder.name}/nowhere on 127.0.0.1:\\d+\\. .*path`),
    );
  });

  test('a folder that is its own archive is refused before a file is taken in circles', async () => {
    await using folder = await remoteFolder(server().home);
    await expect(
      openedSftpIn(server(), folder, { archive: `${folder.name}/../${folder.name}` }),
    ).rejects.toThrow(/must differ from folder/);
    await expect(openedSftpIn(server(), folder, { archive: 'x', keep: true })).rejects.toThrow(
      /keep/,
    );
  });

  test('a refused sign-in is reported and not repeated: an account is locked for less', async () => {
    await using folder = await remoteFolder(server().home);
    const { given } = sftpTo(server());
    await using service = await openInbound(
      sftpIn,
      { ...given, folder: folder.name, every: '5ms' },
      { credentials: { drop: { kind: 'basic', user: 'hub', password: 'wrong' } } },
    );
    expect(service.events).toHaveLength(1);
    expect(service.events[0]).toMatchObject({ level: 'error', name: 'refused' });
    const begin = performance.now();
    await vi.waitUntil(() => performance.now() - begin > 300, { interval: 20 });
    expect(service.events).toHaveLength(1);
    expect(service.lost).toEqual([]);
    expect(service.states.at(-1)).toMatchObject({ state: 'disconnected' });
    await rm(folder.path, { recursive: true });
  });

  test('a file that grows while it is read is not delivered as it was, but whole later', async () => {
    await using folder = await remoteFolder(server().home);
    await folder.put('large.bin', Buffer.alloc(8_000_000, 'x'));
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name, every: '10ms', stable: '0s' };
    const taken = Promise.withResolvers<number>();
    let broken = 0;
    const service = await sftpIn.open({
      ...lend(sftpIn.settings, settings, options).lent,
      async deliver({ body }) {
        let size = 0;
        try {
          for await (const chunk of body as AsyncIterable<Uint8Array>) {
            if (size === 0 && broken === 0) await appendFile(join(folder.path, 'large.bin'), 'y');
            size += chunk.byteLength;
          }
        } catch (error) {
          broken += 1;
          throw error;
        }
        taken.resolve(size);
        return { messageId: 1, sessionId: 1, status: 'stored' };
      },
      lost: taken.reject,
      memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
    });
    expect(await taken.promise).toBe(8_000_001);
    expect(broken).toBe(1);
    await service.close();
    expect(await folder.names()).toEqual([]);
  });
});
