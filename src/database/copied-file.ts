import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { makePrivate } from './private-files.ts';

/** Which file has the name; undefined if none has. */
export function fileIdentity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev} ${found.ino}`;
}

/**
 * Writes all that an open database holds to a file that does not exist: completely or not at all, as on a full disk. A
 * log that is left of another file of that name would be applied to the copy, so it is removed.
 */
export function copyInto(database: DatabaseSync, path: string): void {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  try {
    database.prepare('VACUUM INTO ?').run(part);
  } catch (error) {
    // half of it would take the room that is missing
    rmSync(part, { force: true });
    throw error;
  }
  makePrivate(part);
  const copy = openSync(part, 'r+');
  fsyncSync(copy);
  closeSync(copy);
  for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  renameSync(part, path);
}
