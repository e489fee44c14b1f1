import { existsSync, renameSync } from 'node:fs';
import { basename } from 'node:path';

/** A SQLite file that was found damaged and set aside. */
export interface Damage {
  /** `2026-11-24.db`, `held.db`, `meta.db`. */
  readonly file: string;
  /** Its new name, in the same folder; undefined if it had been removed or replaced, so that nothing of it is left. */
  readonly keptAs: string | undefined;
}

/** A file of a database that somebody removed or replaced while it was open. */
export interface MovedFile {
  /** `meta.db`. */
  readonly file: string;
  /** Its own name if it was removed and has been written again; otherwise the name of the one of both that lies beside it. */
  readonly keptAs: string;
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, in any of their extended forms. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);

/** Whether SQLite reports that the file is not, or no longer completely, a database. */
export function isDamaged(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && DAMAGED.has(Number(error.errcode) & 0xff);
}

/** Renames a damaged database, with its log: it is kept, since something may be recoverable. */
export function setAside(path: string, now = new Date()): Damage {
  const kept = `${path}.damaged-${now.toISOString().replaceAll(/[-:]/g, '').replace('.', '')}`;
  for (const end of ['', '-wal', '-shm']) {
    if (existsSync(path + end)) renameSync(path + end, kept + end);
  }
  return { file: basename(path), keptAs: basename(kept) };
}
