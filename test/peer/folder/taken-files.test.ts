import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskStore } from '../../../adapters/file/disk-store.ts';
import type { Memory } from '../../../src/adapter/adapter.ts';
import type { NewMessage } from '../../../src/message/message.ts';
import { scanFolder } from '../../../src/peer/folder/file-scan.ts';
import { notices } from '../../../src/peer/folder/notices.ts';
import { Look } from '../../../src/peer/folder/pickup.ts';
import { stillness } from '../../../src/peer/folder/stillness.ts';
import { takenFiles } from '../../../src/peer/folder/taken-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface TestMemory extends Memory {
  text: string | undefined;
  writes: number;
  down: boolean;
}

function memory(): TestMemory {
  return {
    text: undefined,
    writes: 0,
    down: false,
    async read() {
      return this.text;
    },
    async write(value) {
      if (this.down) throw new Error('no store');
      this.writes += 1;
      this.text = value;
    },
  };
}

const FACTS = { size: 10, modified: 1_000 };

test('a taken file is known after a restart, and a changed one is another file', async () => {
  const kept = memory();
  const before = await takenFiles(kept);
  await before.add('in/a', FACTS);
  const after = await takenFiles(kept);
  expect(after.has('in/a', FACTS)).toBe(true);
  expect(after.has('in/a', { ...FACTS, size: 11 })).toBe(false);
  expect(after.has('in/a', { ...FACTS, modified: 2_000 })).toBe(false);
  expect(after.has('in/b', FACTS)).toBe(false);
});

test('the note is durable before `add` resolves', async () => {
  const kept = memory();
  const taken = await takenFiles(kept);
  await taken.add('in/a', FACTS);
  expect(kept.writes).toBe(1);
  taken.forget('in/a', FACTS);
  expect(kept.writes).toBe(1);
  await taken.save();
  expect(kept.text).toBe('');
});

test('a note that could not be made durable is made with the next one', async () => {
  const kept = memory();
  const taken = await takenFiles(kept);
  kept.down = true;
  await expect(taken.add('in/a', FACTS)).rejects.toThrow('no store');
  kept.down = false;
  await taken.save();
  expect((await takenFiles(kept)).has('in/a', FACTS)).toBe(true);
});

test('how far a file got is known after a restart, until it is taken', async () => {
  const kept = memory();
  const before = await takenFiles(kept);
  await before.add('in/a', FACTS);
  await before.noteBegun('in/b', FACTS, 3);
  await before.noteBegun('in/c', FACTS, 8);
  await before.noteBegun('in/b', FACTS, 4);
  const after = await takenFiles(kept);
  expect(['in/a', 'in/b', 'in/c'].map((path) => after.begun(path, FACTS))).toEqual([0, 4, 8]);
  expect(after.has('in/a', FACTS)).toBe(true);
  expect(after.has('in/b', FACTS)).toBe(false);
  expect(after.begun('in/b', { ...FACTS, size: 11 })).toBe(0);
  await after.add('in/b', FACTS);
  await after.keepOnly([{ path: 'in/b', ...FACTS }]);
  await after.save();
  const last = await takenFiles(kept);
  expect(['in/b', 'in/c'].map((path) => last.begun(path, FACTS))).toEqual([0, 0]);
  expect(last.has('in/b', FACTS)).toBe(true);
});

test('files that are gone are forgotten', async () => {
  const kept = memory();
  const taken = await takenFiles(kept);
  await taken.add('in/a', FACTS);
  await taken.add('in/b', FACTS);
  await taken.keepOnly([{ path: 'in/b', ...FACTS }]);
  await taken.save();
  const after = await takenFiles(kept);
  expect([after.has('in/a', FACTS), after.has('in/b', FACTS)]).toEqual([false, true]);
});

test('what was cleared away is known again after a loss of power alone', async () => {
  const kept = memory();
  const taken = await takenFiles(kept, 'boot-1');
  for (const path of ['in/a', 'in/b', 'in/c']) {
    await taken.add(path, FACTS);
    if (path !== 'in/c') taken.cleared(path, FACTS);
  }
  await taken.noteBegun('in/d', FACTS, 3);
  taken.forget('in/b', FACTS);
  await taken.save();
  const known = async (boot: string | undefined): Promise<unknown[]> => {
    const found = await takenFiles(kept, boot);
    const has = ['in/a', 'in/b', 'in/c'].map((path) => found.has(path, FACTS));
    return [...has, found.begun('in/d', FACTS)];
  };
  expect(await known('boot-2')).toEqual([true, false, true, 3]);
  expect(await known(undefined)).toEqual([true, false, true, 3]);
  expect(await known('boot-1')).toEqual([false, false, true, 3]);
  await (await takenFiles(kept, 'boot-1')).save();
  expect(await known('boot-2')).toEqual([false, false, true, 3]);
});

test('of a look that was killed, files that are moved back are delivered', async () => {
  await using home = await temporaryFolder('taken-files');
  const [folder, archive] = [join(home.path, 'in'), join(home.path, 'done')];
  const kept = memory();
  const delivered: unknown[] = [];
  const looked = async (from: TestMemory, killedAt?: string): Promise<string | undefined> => {
    const store = new DiskStore({ sync: 'gathered' });
    let left: string | undefined;
    const look = new Look({
      settings: {
        folder,
        archive,
        pattern: ['*'],
        ignore: [],
        limit: 1_000,
        batch: 'whole',
        order: 'name',
      } as never,
      lent: {
        async deliver(message: NewMessage) {
          if (message.name === killedAt) left = from.text;
          delivered.push(message.name);
        },
        memory: from,
        event: () => undefined,
      } as never,
      origin: 'in',
      store,
      taken: await takenFiles(from),
      told: notices(() => undefined),
      still: stillness(0),
    });
    const scan = await scanFolder(store, { folder, subfolders: 0, without: [] });
    await look.work(scan, AbortSignal.any([]));
    return left;
  };
  await mkdir(folder);
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(join(folder, name), name);
  const left = await looked(kept, 'd');
  expect(delivered.splice(0)).toEqual(['a', 'b', 'c', 'd']);
  for (const name of ['a', 'b']) await rename(join(archive, name), join(folder, name));
  const next = memory();
  next.text = left;
  await looked(next);
  expect(delivered).toEqual(['a', 'b']);
});

test('a large memory is written once a look, not once a file', async () => {
  const kept = memory();
  const taken = await takenFiles(kept);
  for (let n = 0; n < 1_500; n++) await taken.add(`in/${n}`, FACTS);
  expect(kept.writes).toBe(1_000);
  await taken.save();
  expect(kept.writes).toBe(1_001);
  expect((await takenFiles(kept)).size).toBe(1_500);
});

test('names, which may be patient data, are not in the memory', async () => {
  const kept = memory();
  const taken = await takenFiles(kept);
  await taken.add('in/DOE-JOHN.hl7', FACTS);
  expect(kept.text).toMatch(/^[\w-]{12}$/);
});

test('a full memory takes files again once all that it knows were moved away', async () => {
  const hashes = Array.from({ length: 50_000 }, (_, n) => String(n).padStart(12, '0')).join('');
  const kept = memory();
  await kept.write(hashes);
  const taken = await takenFiles(kept);
  await taken.keepOnly([]);
  expect(taken.size).toBe(50_000);
  await taken.keepOnly([{ path: 'in/new', ...FACTS }]);
  await taken.add('in/new', FACTS);
  expect(taken.size).toBe(1);
});

test('more files than can be remembered are refused with what to do, and none is delivered first', async () => {
  const kept = memory();
  kept.text = Array.from({ length: 50_000 }, (_, n) => String(n).padStart(12, '0')).join('');
  const delivered: NewMessage[] = [];
  const file = {
    name: 'a',
    kind: 'file',
    relative: 'a',
    path: import.meta.filename,
    ...FACTS,
  } as const;
  const look = new Look({
    settings: { pattern: ['*'], ignore: [], limit: 1_000, batch: 'whole', keep: true } as never,
    lent: {
      deliver: (message) => Promise.reject(new Error(`delivered ${delivered.push(message)}`)),
      memory: kept,
      event: () => undefined,
    },
    origin: 'in',
    store: new DiskStore({ sync: false }),
    taken: await takenFiles(kept),
    told: notices(() => undefined),
    still: stillness(0),
  });
  // with a subfolder that cannot be listed nothing is forgotten
  const scan = { files: [file], unlisted: ['in/closed'] };
  await expect(look.work(scan, AbortSignal.any([]))).rejects.toThrow(/archive, delete or move/);
  expect(delivered).toEqual([]);
});
