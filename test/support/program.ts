import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { builtOnce } from '../../src/build/built-console.ts';

const ROOT = join(import.meta.dirname, '../..');

/** In the environment: the folder of the bundle, for threads; see test/bundled.ts. */
export const BUNDLE = 'WAYBILL_BUNDLE';

let bundled: Promise<string> | undefined;

/**
 * Where `src/main.ts` and the programs of this folder are one file and its parts: to read a thousand modules one by one
 * takes a third of the processor time of a start. Looked for once in a process, as Node reads a module once.
 */
export const bundle = (): Promise<string> =>
  (bundled ??= builtOnce({
    name: 'program',
    sources: [
      'package-lock.json',
      ...globSync(['{src,adapters,sandbox}/**/*.{ts,json}', 'test/support/*.ts'], { cwd: ROOT }),
    ],
    async into(folder) {
      await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'bundle.ts'), folder]);
    },
  }));

/** What Node is called with for a program of the sources: its file from the root of the repository, and its words. */
export const program = async (file: string, ...words: readonly string[]): Promise<string[]> => [
  '--import',
  join(await bundle(), 'loader.mjs'),
  ...ofSources(file, ...words),
];

/** The same without the bundle. */
export const ofSources = (file: string, ...words: readonly string[]): string[] => [
  '--conditions=waybill-source',
  join(ROOT, file),
  ...words,
];

const PLACE = /(?:file:\/\/)?(\/[^\s()"']+\/\.cache\/program\/[^\s()"']+\.mjs):(\d+):(\d+)/g;

/**
 * What such a process wrote, with the places of its stacks in the sources. Told here: Node would read the maps in each
 * process, which costs half of what the bundle saves.
 */
export const inSources = (text: string): string =>
  text.replaceAll(PLACE, (place: string, file: string, line: string, column: string) => {
    const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload);
    const found = map.findOrigin(Number(line), Number(column));
    return 'fileName' in found
      ? `${join(dirname(file), found.fileName)}:${found.lineNumber}:${found.columnNumber}`
      : place;
  });
