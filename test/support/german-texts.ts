import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Catalogue } from '../../console/src/language/language.ts';

/** The German texts of each folder of the console, read without its build. */
export async function germanTexts(): Promise<ReadonlyMap<string, Catalogue>> {
  const folders = new Map<string, Catalogue>();
  for (const file of globSync('console/src/language/de/*.ts')) {
    const { german } = (await import(join(process.cwd(), file))) as { german: Catalogue };
    folders.set(basename(file, '.ts'), german);
  }
  return folders;
}
