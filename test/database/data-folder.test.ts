import { chmod, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepPrivate, makeDataFolder } from '../../src/database/private-files.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const REFUSED = { code: 'CONFIG_INVALID', message: expect.stringContaining('--data') as string };

test('a data folder is made with those above it; a file in its place is named', async () => {
  await using folder = await temporaryFolder('data');
  await makeDataFolder(join(folder.path, 'a/b'));
  expect((await stat(join(folder.path, 'a/b'))).mode & 0o077).toBe(0);
  await makeDataFolder(join(folder.path, 'a/b'));
  await writeFile(join(folder.path, 'file'), '');
  for (const path of ['file', 'file/data'])
    await expect(makeDataFolder(join(folder.path, path))).rejects.toMatchObject(REFUSED);
});

test.runIf(canMount)('a data folder on a disk that is read-only is named', async () => {
  await using disk = await smallDisk();
  await makeDataFolder(join(disk.path, 'there'));
  // others may read it, which cannot be changed any more
  await writeFile(join(disk.path, 'day.db'), '');
  await chmod(join(disk.path, 'day.db'), 0o644);
  await disk.lock(true);
  for (const path of ['there', 'new'])
    await expect(makeDataFolder(join(disk.path, path))).rejects.toMatchObject(REFUSED);
  // messages do not need the trace; nats-server would take what it cannot write for damaged
  await using folder = await temporaryFolder('data');
  await symlink(disk.path, join(folder.path, 'trace'));
  keepPrivate(folder.path);
  await symlink(disk.path, join(folder.path, 'jetstream'));
  expect(() => keepPrivate(folder.path)).toThrow('EROFS');
  await disk.lock(false);
});
