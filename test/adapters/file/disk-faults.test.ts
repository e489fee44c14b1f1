import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import fileOut from '../../../adapters/file/file-out.ts';
import { asNobody } from '../../support/as-nobody.ts';
import { dropFile } from '../../support/drop-file.ts';
import { openResources } from '../../support/nothing-open.ts';
import {
  type OpenedInbound,
  openOutbound,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { canMount, smallDisk } from '../../support/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { looking } from './looking.ts';

const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
const LARGE = streamedBody(Buffer.alloc(3_000_000, 'a line of a report\n'));
const small = (text: string): Buffer => Buffer.from(text);

const FULL = {
  code: 'ADAPTER_TEMPORARY',
  retryable: true,
  message: expect.stringMatching(/disk or the quota of \S+ is full \(ENOSPC\)\. Free some space/),
};
const DENIED = {
  code: 'ADAPTER_TEMPORARY',
  retryable: true,
  message: expect.stringMatching(/does not allow it in \S+ \((EROFS|EACCES)\)\. Give the account/),
};

/** Everybody may look into it, and only its owner may change something. */
async function guardedFolder() {
  const folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  return folder;
}

/** From within `asNobody`. */
function chmodAsRoot(path: string, mode: number): void {
  const account = process.geteuid?.() ?? 0;
  process.seteuid?.(0);
  chmodSync(path, mode);
  process.seteuid?.(account);
}

const told = ({ events }: OpenedInbound): string[] => events.map(({ name }) => name);

/** Resolves once a further look has come to its end: a file that came later was taken. */
async function looksAgain(opened: OpenedInbound, folder: string): Promise<void> {
  const before = opened.delivered.length;
  await dropFile(join(folder, `zz-${before}.txt`), 'later');
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(before + 1));
}

describe.runIf(canMount)('a disk that is full', () => {
  test.for(['replace', 'number', 'suspend'])(
    'is tried again, leaves no part of a file, and takes the message once there is room (exists: %s)',
    async (exists) => {
      await using disk = await smallDisk();
      const resources = openResources();
      const opened = await openOutbound(fileOut, { folder: disk.path, name: '{id}', exists });
      await expect(opened.send(LARGE, { id: 1 })).rejects.toMatchObject(FULL);
      expect(await readdir(disk.path)).toEqual([]);
      await opened.send(small('whole'), { id: 1 });
      expect(await readFile(join(disk.path, '1'), 'utf8')).toBe('whole');
      await opened.close();
      await resources.expectNothingNew();
    },
  );

  test('leaves what was appended before as it was', async () => {
    await using disk = await smallDisk();
    const given = { folder: disk.path, name: 'log.txt', write: 'append' };
    await using opened = await openOutbound(fileOut, given);
    await opened.send(small('first'));
    await expect(opened.send(LARGE)).rejects.toMatchObject(FULL);
    expect(await readFile(join(disk.path, 'log.txt'), 'utf8')).toBe('first\n');
    await opened.send(small('second'));
    expect(await readFile(join(disk.path, 'log.txt'), 'utf8')).toBe('first\nsecond\n');
  });

  test('under the archive of file-in keeps the file where it is, delivers it once, and archives it when there is room', async () => {
    await using folder = await temporaryFolder();
    await using disk = await smallDisk();
    const ballast = join(disk.path, 'ballast');
    await writeFile(ballast, Buffer.alloc(900_000));
    await writeFile(join(folder.path, 'a.txt'), Buffer.alloc(500_000, 'a'));
    const first = await looking(folder.path, { archive: disk.path });
    await vi.waitFor(() => expect(told(first)).toEqual(['file-not-removed']));
    expect(first.events[0]?.text).toMatch(/is full \(ENOSPC\)/);
    await looksAgain(first, folder.path);
    expect(first.delivered.map(({ name }) => name)).toEqual(['a.txt', 'zz-1.txt']);
    expect(first.lost).toEqual([]);
    await first.close();
    // nor after a restart
    await using second = await looking(folder.path, { archive: disk.path }, first.memory);
    await looksAgain(second, folder.path);
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual(['a.txt']));
    await writeFile(ballast, '');
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual([]));
    expect(second.delivered.map(({ name }) => name)).toEqual(['zz-0.txt']);
    expect(await readFile(join(disk.path, 'a.txt'), 'utf8')).toBe('a'.repeat(500_000));
  });
});

test.runIf(canMount)(
  'a share that is not mounted for a while looks like an empty folder: what was taken of it is not taken again',
  async () => {
    await using share = await temporaryFolder();
    await using place = await temporaryFolder();
    const mount = () => run('mount', ['--bind', share.path, place.path]);
    await mount();
    try {
      for (const name of ['a.txt', 'b.txt']) await writeFile(join(share.path, name), name);
      const first = await looking(place.path, { keep: true });
      await vi.waitFor(() => expect(first.delivered).toHaveLength(2));
      await run('umount', ['-l', place.path]);
      await sleep(100);
      await first.close();
      // also where it is started meanwhile
      const second = await looking(place.path, { keep: true }, first.memory);
      await sleep(50);
      await second.close();
      await mount();
      await using third = await looking(place.path, { keep: true }, second.memory);
      await looksAgain(third, share.path);
      expect(
        [...first.delivered, ...second.delivered, ...third.delivered].map(({ name }) => name),
      ).toEqual(['a.txt', 'b.txt', 'zz-0.txt']);
      // one that is gone is forgotten all the same: its name may be that of another
      await rm(join(share.path, 'a.txt'));
      const known = third.memory?.length ?? 0;
      await vi.waitFor(() => expect(third.memory?.length).toBe((known / 3) * 2));
    } finally {
      await run('umount', ['-l', place.path]);
    }
  },
);

test.runIf(canMount)(
  'a disk that was made read-only is tried again, and taken once it may be written to',
  async () => {
    await using disk = await smallDisk();
    await using opened = await openOutbound(fileOut, { folder: disk.path, name: '{id}' });
    await disk.lock(true);
    await expect(opened.send(small('x'), { id: 1 })).rejects.toMatchObject(DENIED);
    await disk.lock(false);
    await opened.send(small('x'), { id: 1 });
    expect(await readdir(disk.path)).toEqual(['1']);
  },
);

describe('a permission that is missing', () => {
  test.for([
    ['retry', 'ADAPTER_TEMPORARY'],
    ['suspend', 'ADAPTER_SUSPEND'],
    ['reject', 'ADAPTER_REJECTED'],
    ['stop', 'ADAPTER_DISABLED'],
  ] as const)('to write is named; denied: %s', async ([denied, code]) => {
    await using folder = await guardedFolder();
    const given = { folder: folder.path, name: '{id}', denied };
    await asNobody(async () => {
      await using opened = await openOutbound(fileOut, given);
      await expect(opened.send(small('x'))).rejects.toMatchObject({
        code,
        message: DENIED.message,
      });
      const steps = await testSteps(fileOut, given);
      expect(steps.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.runIf(isRoot)('to read one file passes over it, says so once, and goes on', async () => {
    await using folder = await guardedFolder();
    await chmod(folder.path, 0o777);
    await writeFile(join(folder.path, 'a.txt'), 'a', { mode: 0o600 });
    await asNobody(async () => {
      await using opened = await looking(folder.path);
      await looksAgain(opened, folder.path);
      await looksAgain(opened, folder.path);
      expect(told(opened)).toEqual(['file-unreadable']);
      expect(opened.lost).toEqual([]);
    });
  });

  test.runIf(isRoot)(
    'to look into the folder is a lost connection, and no empty folder',
    async () => {
      await using folder = await temporaryFolder();
      await using opened = await looking(folder.path);
      await asNobody(async () => {
        await vi.waitFor(() =>
          expect(opened.lost).toMatchObject([
            { code: 'ADAPTER_NOT_CONNECTED', message: DENIED.message },
          ]),
        );
      });
    },
  );

  test.runIf(isRoot)(
    'to look at the files of a folder that may be listed is a lost connection, and nothing of it is taken again',
    async () => {
      await using folder = await guardedFolder();
      await writeFile(join(folder.path, 'a.txt'), 'a', { mode: 0o644 });
      await asNobody(async () => {
        await using opened = await looking(folder.path, { keep: true });
        await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
        chmodAsRoot(folder.path, 0o744);
        await vi.waitFor(() =>
          expect(opened.lost).toMatchObject([
            { code: 'ADAPTER_NOT_CONNECTED', message: DENIED.message },
          ]),
        );
        chmodAsRoot(folder.path, 0o755);
        await using again = await looking(folder.path, { keep: true }, opened.memory);
        await sleep(50);
        expect(again.delivered).toEqual([]);
      });
    },
  );

  test.runIf(isRoot)(
    'to delete delivers a file once, says so once, and deletes it when that is allowed',
    async () => {
      await using folder = await temporaryFolder();
      await writeFile(join(folder.path, 'a.txt'), 'a', { mode: 0o644 });
      // everybody may put files there, and delete their own only
      await chmod(folder.path, 0o1777);
      await using opened = await asNobody(async () => {
        const service = await looking(folder.path);
        await vi.waitFor(() => expect(told(service)).toEqual(['file-not-removed']));
        await looksAgain(service, folder.path);
        await looksAgain(service, folder.path);
        expect(told(service)).toEqual(['file-not-removed']);
        return service;
      });
      await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual([]));
      expect(opened.delivered.map(({ name }) => name)).toEqual(['a.txt', 'zz-1.txt', 'zz-2.txt']);
    },
  );
});
