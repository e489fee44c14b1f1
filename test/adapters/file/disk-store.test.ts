import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DiskStore } from '../../../adapters/file/disk-store.ts';
import { asNobody } from '../../support/as-nobody.ts';
import { canMount, smallDisk } from '../../support/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const never = new AbortController().signal;
const isRoot = process.geteuid?.() === 0;

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function read(store: DiskStore, path: string): Promise<string> {
  const facts = await store.facts(path);
  if (facts === undefined) throw new Error('there is no such file');
  const parts: Uint8Array[] = [];
  for await (const part of store.read(path, facts)) parts.push(part);
  return Buffer.concat(parts).toString();
}

const store = new DiskStore({ sync: true });

describe('a disk', () => {
  test('lists files and folders, and passes links over', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), 'abc');
    await mkdir(join(folder.path, 'sub'));
    await symlink('/etc/passwd', join(folder.path, 'link'));
    await symlink('/nowhere', join(folder.path, 'dangling'));
    const kinds = async (followLinks: boolean): Promise<string[]> =>
      (await new DiskStore({ sync: false, followLinks }).list(folder.path))
        .map(({ name, kind }) => `${name} ${kind}`)
        .toSorted();
    expect(await kinds(false)).toEqual([
      'a.hl7 file',
      'dangling other',
      'link other',
      'sub folder',
    ]);
    expect(await kinds(true)).toEqual(['a.hl7 file', 'link file', 'sub folder']);
    expect((await store.list(folder.path)).find(({ name }) => name === 'a.hl7')?.size).toBe(3);
  });

  test('does not read through a link that was put in the place of a file', async () => {
    await using folder = await temporaryFolder();
    await symlink('/etc/hostname', join(folder.path, 'a.hl7'));
    const facts = await stat('/etc/hostname');
    const reading = store.read(join(folder.path, 'a.hl7'), {
      size: facts.size,
      modified: facts.mtimeMs,
    });
    await expect(reading.next()).rejects.toMatchObject({ problem: 'denied' });
  });

  test('does not write through a link that was put in the place of a file', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'precious'), 'kept');
    await symlink(join(folder.path, 'precious'), join(folder.path, 'a.part'));
    const writing = store.write(join(folder.path, 'a.part'), chunks('new'), never);
    await expect(writing).rejects.toMatchObject({
      problem: 'denied',
      message: expect.stringMatching(/^There is a link with the name of the file/),
    });
    expect(await readFile(join(folder.path, 'precious'), 'utf8')).toBe('kept');
  });

  test('reads what it wrote, in one piece and whole', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a.hl7');
    await store.write(path, chunks('one ', 'two ', 'x'.repeat(700_000)), never);
    expect(await read(store, path)).toBe(`one two ${'x'.repeat(700_000)}`);
  });

  test('says that a file changed while it was read', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a.hl7');
    await writeFile(path, 'x'.repeat(600_000));
    const facts = await store.facts(path);
    const reading = store.read(path, facts ?? { size: 0, modified: 0 });
    await reading.next();
    await writeFile(path, 'y'.repeat(600_000));
    await utimes(path, 1, 1);
    const rest = async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ problem: 'changed' });
  });

  test('renames onto nothing that is there', async () => {
    await using folder = await temporaryFolder();
    const [a, b] = [join(folder.path, 'a'), join(folder.path, 'b')];
    await writeFile(a, 'new');
    await writeFile(b, 'old');
    await expect(store.rename(a, b)).rejects.toMatchObject({ problem: 'exists', retryable: true });
    expect(await readFile(b, 'utf8')).toBe('old');
    await store.replace(a, b);
    expect(await readdir(folder.path)).toEqual(['b']);
    expect(await readFile(b, 'utf8')).toBe('new');
  });

  test('ends a rename that a crash cut off in the middle', async () => {
    await using folder = await temporaryFolder();
    const [a, b] = [join(folder.path, 'a'), join(folder.path, 'b')];
    await writeFile(a, 'one');
    await link(a, b);
    await store.rename(a, b);
    expect(await readdir(folder.path)).toEqual(['b']);
  });

  test('gives files the permissions that were asked for', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a');
    await new DiskStore({ sync: false, mode: 0o666 }).write(path, chunks('x'), never);
    expect((await stat(path)).mode & 0o777).toBe(0o666);
    await new DiskStore({ sync: false, mode: 0o640 }).write(path, chunks('x'), never);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('names what is wrong, and never the file', async () => {
    await using folder = await temporaryFolder();
    const missing = join(folder.path, 'none', 'DOE-JOHN.hl7');
    await expect(store.write(missing, chunks('x'), never)).rejects.toMatchObject({
      problem: 'missing',
      message: `The folder ${folder.path}/none does not exist. Create it, or correct the setting.`,
    });
    await expect(store.list(join(folder.path, 'none'))).rejects.toMatchObject({
      problem: 'missing',
    });
    expect(await store.facts(missing)).toBeUndefined();
    await writeFile(join(folder.path, 'file'), '');
    await expect(store.list(join(folder.path, 'file'))).rejects.toMatchObject({
      problem: 'missing',
    });
  });

  test('says where a permission is missing', async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o555);
    await asNobody(() =>
      expect(store.write(join(folder.path, 'a'), chunks('x'), never)).rejects.toMatchObject({
        problem: 'denied',
        message: expect.stringContaining(`does not allow it in ${folder.path} (EACCES)`),
      }),
    );
  });

  test.skipIf(!canMount)('moves a file to another disk, whole or not at all', async () => {
    await using folder = await temporaryFolder();
    await using small = await smallDisk();
    const from = join(folder.path, 'a');
    await writeFile(from, 'x'.repeat(1000));
    await store.rename(from, join(small.path, 'a'));
    expect(await readdir(small.path)).toEqual(['a']);
    expect(await readdir(folder.path)).toEqual([]);

    await writeFile(from, 'y');
    await expect(store.rename(from, join(small.path, 'a'))).rejects.toMatchObject({
      problem: 'exists',
    });
    await writeFile(from, 'z'.repeat(2_000_000));
    await expect(store.rename(from, join(small.path, 'b'))).rejects.toMatchObject({
      problem: 'full',
    });
    expect(await readdir(small.path)).toEqual(['a']);
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test.runIf(isRoot)('makes names last when asked, once for all of a folder', async () => {
    await using folder = await temporaryFolder();
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    const gathering = new DiskStore({ sync: 'gathered' });
    await mkdir(from);
    await mkdir(to);
    for (const name of ['a', 'b', 'c']) await writeFile(join(from, name), name);
    await chmod(folder.path, 0o755);
    await chmod(from, 0o777);
    // may be written, but not opened, as syncing it needs
    await chmod(to, 0o333);
    await asNobody(async () => {
      await gathering.rename(join(from, 'a'), join(to, 'a'));
      await gathering.rename(join(from, 'b'), join(to, 'b'));
      await gathering.remove(join(from, 'c'));
      await expect(gathering.flush()).rejects.toMatchObject({ problem: 'denied' });
    });
    await chmod(to, 0o777);
    // the other one lasts already
    await chmod(from, 0o333);
    await asNobody(() => gathering.flush());
    await gathering.remove(join(from, 'd'));
    await rm(from, { recursive: true });
    await gathering.flush();
    await chmod(to, 0o333);
    await asNobody(() => gathering.flush());
    expect(await readdir(to)).toEqual(['a', 'b']);
  });

  test.runIf(canMount && isRoot)('keeps a file until its copy on another disk lasts', async () => {
    await using folder = await temporaryFolder();
    await using small = await smallDisk();
    await writeFile(join(folder.path, 'a'), 'x', { mode: 0o666 });
    await chmod(folder.path, 0o777);
    await chmod(small.path, 0o333);
    const gathering = new DiskStore({ sync: 'gathered' });
    await asNobody(() =>
      expect(gathering.rename(join(folder.path, 'a'), join(small.path, 'a'))).rejects.toMatchObject(
        { problem: 'denied' },
      ),
    );
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  test.skipIf(!canMount)('that is full says so', async () => {
    await using full = await smallDisk();
    const writing = store.write(join(full.path, 'a'), chunks('x'.repeat(2_000_000)), never);
    await expect(writing).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      problem: 'full',
      message: expect.stringMatching(/is full \(ENOSPC\)\. Free some space/),
    });
  });
});
