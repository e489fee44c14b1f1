import { existsSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './is-alive.ts';

/** Of the package `faketime`. */
const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

/** Where the library leaves something of each process that was killed. */
const SHARED = '/dev/shm';

/** Clocks of processes that can be set while they run. */
export interface MovableClocks extends AsyncDisposable {
  /** Whether the library for it is installed. */
  readonly canMove: boolean;
  /** Whether one was ever set. */
  readonly moved: boolean;
  environment(which: number): Readonly<Record<string, string>>;
  /** Sets a clock this far from the time: `+1h`. */
  jump(which: number, to: string): Promise<string>;
}

export async function movableClocks(folder: string): Promise<MovableClocks> {
  let moved = false;
  const fileOf = (which: number): string => join(folder, `clock-${which}`);
  const set = async (which: number, to: string): Promise<void> => {
    const file = fileOf(which);
    await writeFile(`${file}.new`, to);
    await rename(`${file}.new`, file);
  };
  for (const which of [0, 1]) await set(which, '+0');
  return {
    canMove: LIBRARY !== undefined,
    get moved() {
      return moved;
    },
    environment: (which) =>
      LIBRARY === undefined
        ? {}
        : {
            LD_PRELOAD: LIBRARY,
            FAKETIME_TIMESTAMP_FILE: fileOf(which),
            FAKETIME_CACHE_DURATION: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            NO_FAKE_STAT: '1',
          },
    async [Symbol.asyncDispose]() {
      for (const name of await readdir(SHARED).catch(() => [])) {
        const [, pid] = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name) ?? [];
        if (pid !== undefined && !isAlive(Number(pid)))
          await rm(join(SHARED, name), { force: true });
      }
    },
    async jump(which, to) {
      moved = true;
      await set(which, to);
      // the library looks every second
      await sleep(1_500);
      return `engine ${which}: ${to}`;
    },
  };
}
