import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { ImportReport } from './report.ts';

/** A file of an export of another engine. */
export interface ExportFile {
  readonly name: string;
  readonly text: string;
  /** Why its text could not be read. */
  readonly fault?: string;
}

/** A production as files that have not been written yet. */
export interface ImportedProduction {
  readonly files: ReadonlyMap<string, string>;
  readonly report: ImportReport;
}

/** The largest file of an export; backups of servers with hundreds of channels have some 20 MB. */
const LARGEST = 256 * 1024 * 1024;

/** Its text, in the encoding that a byte order mark or the XML declaration names. */
async function textAt(path: string, name: string): Promise<string> {
  const { size } = await stat(path);
  if (size > LARGEST)
    throw new EngineError(
      'CONFIG_INVALID',
      `${name} has ${Math.ceil(size / 1024 / 1024)} MB, and an export at most 256: export fewer channels or classes at once`,
    );
  const bytes = await readFile(path);
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(
    bytes.subarray(0, 200).toString('latin1'),
  )?.[1];
  if (isWide) return decoded(bytes, { name, encoding: first === 0xff ? 'utf-16le' : 'utf-16be' });
  // a declaration that can be read here is in no such encoding: the file was saved anew, and the declaration left
  const isWrong = declared === undefined || /^(utf-?16|ucs-?2|iso-10646)/i.test(declared);
  return decoded(bytes, { name, encoding: isWrong ? 'utf-8' : declared });
}

function decoded(
  bytes: Uint8Array,
  { name, encoding }: { readonly name: string; readonly encoding: string },
): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new EngineError(
      'CONFIG_INVALID',
      `${name} is not text in ${encoding}: save it as UTF-8, or name its encoding in the XML declaration`,
    );
  }
}

/** The files of an export: one file, or all in a folder and below it whose names have such an ending. */
export async function exportFiles(
  path: string,
  endings: RegExp = /\.xml$/i,
): Promise<ExportFile[]> {
  const about = await stat(path).catch(() => {
    throw new EngineError('CONFIG_INVALID', `there is no file or folder named ${path}`);
  });
  if (!about.isDirectory()) return [await exportFile(path, basename(path))];
  const found = await readdir(path, { recursive: true });
  const names = found.filter((name) => endings.test(name)).toSorted();
  const files: ExportFile[] = [];
  for (const name of names) files.push(await exportFile(join(path, name), name));
  return files;
}

/** One that cannot be read is in the report, and the others are imported. */
async function exportFile(path: string, name: string): Promise<ExportFile> {
  try {
    return { name, text: await textAt(path, name) };
  } catch (error) {
    return { name, text: '', fault: describeError(error).text };
  }
}

/** Writes a production into a folder that does not exist or is empty. */
export async function writeProduction(
  { files }: ImportedProduction,
  folder: string,
): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (there.length > 0) {
    throw new EngineError(
      'CONFIG_INVALID',
      `${folder} is not empty; give another folder with --out`,
    );
  }
  for (const [name, text] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}
