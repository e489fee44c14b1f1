import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { unless } from 'waybill/adapter';

/** An open file; whoever gets it closes it. */
export interface FoundFile {
  readonly handle: FileHandle;
  readonly size: number;
  /** Milliseconds since 1970, whole seconds: HTTP knows no smaller unit. */
  readonly changed: number;
  /** Changes with the file. */
  readonly tag: string;
}

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

const ABSENT: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENXIO',
]);

/** Whether there is no such file, or none that we may read. */
export const isAbsent = (error: unknown): boolean => ABSENT.has(String(Object(error).code));

/** The decoded segments of a path; undefined for one that leads to no file here, whatever there is. */
export function segmentsOf(path: string): readonly string[] | undefined {
  const segments: string[] = [];
  for (const part of path.split('/')) {
    let segment: string;
    try {
      segment = decodeURIComponent(part);
    } catch {
      // URIError: a stray %
      return undefined;
    }
    // a dot file, a way up, or a separator that was hidden from us
    if (segment.startsWith('.') || /[/\\\0:]/.test(segment)) return undefined;
    segments.push(segment);
  }
  const [, ...rest] = segments;
  return rest.some((one, at) => one === '' && at < rest.length - 1) ? undefined : rest;
}

/** A file below a folder; undefined if there is none that may be served. */
export async function fileBelow(
  folder: string,
  segments: readonly string[],
): Promise<FoundFile | undefined> {
  const root = await realpath(folder).catch(unless(isAbsent, 'opening a file of a served folder'));
  if (root === undefined) return undefined;
  const real = await realpath(join(root, ...segments)).catch(
    unless(isAbsent, 'opening a file of a served folder'),
  );
  if (real === undefined || !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    return undefined;
  }
  // what a link leads to must not be hidden either
  if (
    real
      .slice(root.length)
      .split(sep)
      .some((one) => one.startsWith('.'))
  )
    return undefined;
  // a pipe would wait for its writer
  const handle = await open(real, FLAGS).catch(
    unless(isAbsent, 'opening a file of a served folder'),
  );
  if (handle === undefined) return undefined;
  const { size, mtimeMs, ino, isFile } = await statOf(handle);
  if (!isFile) {
    await handle.close();
    return undefined;
  }
  const changed = Math.floor(mtimeMs / 1_000) * 1_000;
  const tag = [size, Math.round(mtimeMs), ino].map((one) => one.toString(36)).join('-');
  return { handle, size, changed, tag };
}

async function statOf(
  handle: FileHandle,
): Promise<{ size: number; mtimeMs: number; ino: number; isFile: boolean }> {
  try {
    const stat = await handle.stat();
    return { size: stat.size, mtimeMs: stat.mtimeMs, ino: stat.ino, isFile: stat.isFile() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
