import { open } from 'node:fs/promises';

/**
 * Makes durable what was committed to an SQLite database with `synchronous=NORMAL`, which only
 * writes it to the write-ahead log: syncing the log here leaves the thread to others, where SQLite
 * would block it for as long as the disk takes. Those who ask while one sync runs share the next.
 *
 * A log that is gone was checkpointed by the last connection, which syncs the database.
 */
export function syncedLog(path: string): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const begin = async (before: Promise<void>): Promise<void> => {
    // who asked before got its error
    await Promise.allSettled([before]);
    next = undefined;
    await syncLog(path);
  };
  return () => {
    next ??= running = begin(running);
    return next;
  };
}

/** The same once, for a file of which nobody keeps anything. */
export async function syncLog(path: string): Promise<void> {
  try {
    await using log = await open(`${path}-wal`, 'r+');
    await log.datasync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
