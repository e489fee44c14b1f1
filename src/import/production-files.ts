import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../error/engine-error.ts';
import type { ImportReport } from './report.ts';

/** A file of an export of another engine. */
export interface ExportFile {
  readonly name: string;
  readonly text: string;
}

/** A production as files that have not been written yet. */
export interface ImportedProduction {
  readonly files: ReadonlyMap<string, string>;
  readonly report: ImportReport;
}

/** The files of an export: one file, or all in a folder and below it whose names have such an ending. */
export async function exportFiles(
  path: string,
  endings: RegExp = /\.xml$/i,
): Promise<ExportFile[]> {
  const about = await stat(path).catch(() => {
    throw new EngineError('CONFIG_INVALID', `there is no file or folder named ${path}`);
  });
  if (!about.isDirectory()) return [{ name: basename(path), text: await readFile(path, 'utf8') }];
  const found = await readdir(path, { recursive: true });
  const names = found.filter((name) => endings.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(path, name), 'utf8') })),
  );
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
