import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { DiskStore } from '../../../adapters/file/disk-store.ts';
import fileIn from '../../../adapters/file/file-in.ts';
import { NotConnectedError } from '../../../src/error/adapter-error.ts';
import type { FileFacts } from '../../../src/peer/folder/file-store.ts';
import { pickup } from '../../../src/peer/folder/pickup.ts';
import { openInbound, readGiven } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FILES = 70;
/** How many files a memory holds; beside them is said in which boot of the machine they were cleared. */
const filesIn = (text: string): number =>
  [...text.replace(/\nboot .*/, '').matchAll(/[\w-]{12}/g)].length;

/** Tells what the memory holds when names are made to last. */
class WatchedStore extends DiskStore {
  readonly #seen: () => void;

  constructor(seen: () => void) {
    super({ sync: 'gathered' });
    this.#seen = seen;
  }

  override flush(): Promise<void> {
    this.#seen();
    return super.flush();
  }
}

/** A service that looks once into a folder, with a memory. */
function service(folder: string, given: Readonly<Record<string, unknown>>) {
  const settings = readGiven(
    fileIn.settings,
    { stable: '0s', order: 'name', ...given },
    { folder },
  );
  const known = { text: '', delivered: [] as unknown[] };
  const lent = {
    deliver: (message: { readonly name?: string | undefined }) => {
      known.delivered.push(message.name);
      return Promise.resolve({ messageId: 1, sessionId: 1, status: 'stored' as const });
    },
    memory: {
      read: () => Promise.resolve(known.text),
      write: (value: string) => {
        known.text = value;
        return Promise.resolve();
      },
    },
    event: () => undefined,
  };
  const look = (store: DiskStore): Promise<void> =>
    pickup(settings, lent, 'here').look(store, new AbortController().signal);
  return { look, known };
}

test.each([{ archive: 'taken' }, {}])(
  'files that are cleared away stay in the memory until that lasts, so that none comes back after a loss of power: %j',
  async (given) => {
    await using folder = await temporaryFolder();
    const [inbox, archive] = [join(folder.path, 'in'), join(folder.path, 'taken')];
    await mkdir(inbox);
    for (let n = 0; n < FILES; n++) await writeFile(join(inbox, `${n}`), 'x');
    const { look, known } = service(folder.path, {
      folder: inbox,
      ...(given.archive && { archive }),
    });
    const remembered: number[] = [];
    await look(new WatchedStore(() => remembered.push(filesIn(known.text))));
    expect(known.delivered).toHaveLength(FILES);
    expect(await readdir(inbox)).toEqual([]);
    expect(remembered).toEqual([64, FILES - 64]);
    expect(known.text).toBe('');
  },
);

/** Notes what is begun and ended with each file. */
class NotingStore extends DiskStore {
  readonly noted: string[] = [];
  override readonly readsBeside: boolean;
  readonly #before: (noted: readonly string[]) => Promise<void>;

  /** `before` is awaited before a file is removed. */
  constructor(readsBeside: boolean, before: (noted: readonly string[]) => Promise<void>) {
    super({ sync: 'gathered' });
    this.readsBeside = readsBeside;
    this.#before = before;
  }

  override async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array> {
    this.noted.push(`read ${basename(path)}`);
    yield* super.read(path, expected);
  }

  override async remove(path: string): Promise<void> {
    await this.#before(this.noted);
    await super.remove(path);
    this.noted.push(`removed ${basename(path)}`);
  }
}

async function twoFiles() {
  const folder = await temporaryFolder();
  for (const name of ['a', 'b']) await writeFile(join(folder.path, name), name);
  return folder;
}

test('the next file is read while one is cleared away', async () => {
  await using folder = await twoFiles();
  const { look, known } = service(folder.path, { folder: folder.path });
  const store = new NotingStore(true, (noted) =>
    vi.waitFor(() => expect(noted).toContain('read b')),
  );
  await look(store);
  expect(known).toEqual({ text: '', delivered: ['a', 'b'] });
  expect(store.noted).toEqual(['read a', 'read b', 'removed a', 'removed b']);
});

test('where the store does one thing at a time, the next is not read before', async () => {
  await using folder = await twoFiles();
  const { look } = service(folder.path, { folder: folder.path });
  const store = new NotingStore(false, () => nextTurn());
  await look(store);
  expect(store.noted).toEqual(['read a', 'removed a', 'read b', 'removed b']);
});

test('where a file cannot be cleared away since the share is gone, the next is not stored, though it was read', async () => {
  await using folder = await twoFiles();
  const { look, known } = service(folder.path, { folder: folder.path });
  const store = new NotingStore(true, async (noted) => {
    await vi.waitFor(() => expect(noted).toContain('read b'));
    throw new NotConnectedError('the share is gone');
  });
  await expect(look(store)).rejects.toThrow('the share is gone');
  expect(known.delivered).toEqual(['a']);
  expect(filesIn(known.text)).toBe(1);
  expect(await readdir(folder.path)).toEqual(['a', 'b']);
});

test('a file that has to be seen twice is not left until the look after next, when its host may be off again', async () => {
  await using folder = await twoFiles();
  const given = { folder: folder.path, every: '1h', stable: '20ms' };
  await using opened = await openInbound(fileIn, given);
  await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
});
