import { type StatsListener, unwatchFile, watchFile } from 'node:fs';

/** How often files are looked at, in milliseconds. */
export const LOOK_EVERY = 5_000;

/**
 * Calls `changed` after any of the files was replaced or written; never keeps the process alive.
 * Polls, since notifications of the file system are lost on mounted secrets and on shares.
 */
export function watchFiles(
  paths: readonly string[],
  changed: () => void,
  every = LOOK_EVERY,
): { close(): void } {
  const listener: StatsListener = (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) {
      changed();
    }
  };
  const watched = new Set(paths);
  for (const path of watched) watchFile(path, { interval: every, persistent: false }, listener);
  return {
    close() {
      for (const path of watched) unwatchFile(path, listener);
    },
  };
}
