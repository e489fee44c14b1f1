import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskStore } from '../../../adapters/file/disk-store.ts';
import fileIn from '../../../adapters/file/file-in.ts';
import { pickup } from '../../../src/peer/folder/pickup.ts';
import { readGiven } from '../../support/open-adapter.ts';
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

test.each([{ archive: 'taken' }, {}])(
  'files that are cleared away stay in the memory until that lasts, so that none comes back after a loss of power: %j',
  async (given) => {
    await using folder = await temporaryFolder();
    const [inbox, archive] = [join(folder.path, 'in'), join(folder.path, 'taken')];
    await mkdir(inbox);
    for (let n = 0; n < FILES; n++) await writeFile(join(inbox, `${n}`), 'x');
    const settings = readGiven(
      fileIn.settings,
      { folder: inbox, stable: '0s', ...given, ...(given.archive && { archive }) },
      { folder: folder.path },
    );
    let text = '';
    const delivered: unknown[] = [];
    const remembered: number[] = [];
    const lent = {
      deliver: (message: unknown) => {
        delivered.push(message);
        return Promise.resolve({ messageId: 1, sessionId: 1, status: 'stored' as const });
      },
      memory: {
        read: () => Promise.resolve(text),
        write: (value: string) => {
          text = value;
          return Promise.resolve();
        },
      },
      event: () => undefined,
    };
    const store = new WatchedStore(() => remembered.push(filesIn(text)));
    await pickup(settings, lent, 'here').look(store, new AbortController().signal);
    expect(delivered).toHaveLength(FILES);
    expect(await readdir(inbox)).toEqual([]);
    expect(remembered).toEqual([64, FILES - 64]);
    expect(text).toBe('');
  },
);
