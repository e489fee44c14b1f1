import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';

export interface WatchedFiles {
  /** The production's folder. */
  readonly folder: string;
  /** The files it was last read from, wherever they are. */
  readonly files: () => readonly string[];
  /** Folders in it without files of the production, such as `--data`. */
  readonly without: readonly string[];
  readonly changed: () => Promise<void>;
}

/** Milliseconds without another change before it is looked at: editors write several times. */
const CALM = 200;

/** The file types of a production: such a file may become part of it. */
const SOURCES: ReadonlySet<string> = new Set([
  '.yaml',
  '.yml',
  '.ts',
  '.mts',
  '.js',
  '.mjs',
  '.json',
  '.csv',
]);

/**
 * Calls `changed` once at the start and shortly after a file of the production was saved, one call
 * at a time. Folders are watched: most editors, and `sed -i`, write another file and rename it,
 * which a watch on the file itself does not notice.
 */
export class FileWatch {
  readonly #parts: WatchedFiles;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #stop = new AbortController();
  #changes = 0;
  #running: Promise<void> = Promise.resolve();

  private constructor(parts: WatchedFiles) {
    this.#parts = parts;
  }

  static async start(parts: WatchedFiles): Promise<FileWatch> {
    const started = new FileWatch(parts);
    // the first look finds what was saved since the production was read
    await started.#watchFolders();
    started.#running = started.#run();
    return started;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let seen = 0; !signal.aborted; ) {
      await pause(CALM, signal, { ref: false });
      if (this.#changes === seen || signal.aborted) continue;
      const before = this.#changes;
      await pause(CALM, signal, { ref: false });
      // more is being written
      if (this.#changes !== before) continue;
      seen = before;
      await this.#parts.changed();
      await this.#watchFolders();
    }
  }

  /** Watches new folders, and those of files elsewhere. */
  async #watchFolders(): Promise<void> {
    const { folder, files, without } = this.#parts;
    const left = new Set(without.map((one) => resolve(one)));
    const wanted = new Set<string>(files().map((file) => dirname(file)));
    await addFolders(resolve(folder), left, wanted);
    for (const one of wanted) {
      if (this.#watchers.has(one)) continue;
      this.#watch(one);
      // something may have been written there before the watch began
      this.#changes += 1;
    }
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (_, name) => {
        if (name === null || this.#isOurs(join(folder, name))) this.#changes += 1;
      });
      watcher.on('error', () => {
        // the folder is gone; it is watched again if it comes back
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // gone at this moment
      tolerate(error, (one) => isSystemError(one), `watching ${folder}`);
    }
  }

  #isOurs(file: string): boolean {
    // a folder has no extension: its content may belong to the production
    const ending = extname(file);
    return ending === '' || SOURCES.has(ending) || this.#parts.files().includes(file);
  }
}

async function addFolders(
  folder: string,
  without: ReadonlySet<string>,
  found: Set<string>,
): Promise<void> {
  if (without.has(folder)) return;
  found.add(folder);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    tolerate(error, (one) => isSystemError(one), `reading ${folder.split(sep).at(-1) ?? ''}`);
    return [];
  });
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) {
      continue;
    }
    await addFolders(join(folder, entry.name), without, found);
  }
}
