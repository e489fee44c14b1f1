import { glob, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Place } from '../place.ts';
import type { Problems } from '../problem.ts';
import { suggestion } from '../problem.ts';
import { checkOverlay, included, overlaid } from './merge.ts';
import { parseYaml } from './parse-yaml.ts';
import { valueAt, type WrittenBlock } from './written.ts';

/** A production's YAML before its values are filled in. */
export interface LoadedProduction {
  readonly written: WrittenBlock;
  /** production.yaml and what it includes, without overlays. */
  readonly base: WrittenBlock;
  /** Absolute paths of everything that was read. */
  readonly files: readonly string[];
}

const MAIN = 'production.yaml';

/** Reads `production.yaml`, the files it includes, and the overlays in the order they are named. */
export async function loadProduction(
  folder: string,
  overlays: readonly string[],
  problems: Problems,
): Promise<LoadedProduction | undefined> {
  const files: string[] = [];
  const read = async (name: string, from: Place): Promise<WrittenBlock | undefined> => {
    files.push(join(folder, name));
    return readBlock(folder, name, { from, problems });
  };
  const start: Place = { file: MAIN, line: 1, column: 1 };
  const main = await read(MAIN, start);

  let base = main;
  for (const { name, place } of await includedFiles(folder, main, problems)) {
    const part = await read(name, place);
    if (part === undefined) base = undefined;
    else if (base !== undefined) base = included(base, part, problems);
  }
  let written = base;
  for (const overlay of overlays) {
    const above = await readOverlay(folder, overlay, { read, problems });
    if (above === undefined) written = undefined;
    else if (written !== undefined) {
      checkOverlay(written, above, problems);
      written = overlaid(written, above);
    }
  }
  return base === undefined || written === undefined ? undefined : { written, base, files };
}

interface Reading {
  /** The place that asked for the file. */
  readonly from: Place;
  readonly problems: Problems;
}

async function readBlock(
  folder: string,
  name: string,
  { from, problems }: Reading,
): Promise<WrittenBlock | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, name), 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const remedy = `A production is a folder with a ${MAIN}; looked in ${folder}.`;
    problems.error(from, '', `the file ${name} cannot be read (${code})`, remedy);
    return undefined;
  }
  const written = parseYaml(name, text, problems);
  if (written === undefined || written.kind === 'block') return written;
  problems.error(written.place, '', 'the file is not a block of keys', 'Write key: value lines.');
  return undefined;
}

interface Include {
  readonly name: string;
  readonly place: Place;
}

async function includedFiles(
  folder: string,
  main: WrittenBlock | undefined,
  problems: Problems,
): Promise<Include[]> {
  const include = valueAt(main, ['include']);
  const patterns =
    include?.kind === 'list' ? include.items : include === undefined ? [] : [include];
  const found = new Map<string, Include>();
  for (const pattern of patterns) {
    // What is not a text is reported by the grammar.
    if (pattern.kind !== 'scalar' || typeof pattern.value !== 'string') continue;
    const names = await filesOf(folder, pattern.value);
    for (const name of names) found.set(name, { name, place: pattern.place });
    if (names.length === 0) {
      const remedy = "Patterns count from the production's folder: hosts/*.yaml.";
      problems.error(pattern.place, 'include', `no file fits ${pattern.value}`, remedy);
    }
  }
  return [...found.values()];
}

async function filesOf(folder: string, pattern: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const name of glob(pattern, { cwd: folder })) names.push(name);
  } catch {
    // A pattern that cannot be read fits nothing.
    return [];
  }
  return names
    .map((name) => relative(folder, join(folder, name)).split(sep).join('/'))
    .filter((name) => name !== MAIN && /\.ya?ml$/.test(name))
    .toSorted();
}

async function readOverlay(
  folder: string,
  overlay: string,
  {
    read,
    problems,
  }: {
    readonly read: (name: string, from: Place) => Promise<WrittenBlock | undefined>;
    readonly problems: Problems;
  },
): Promise<WrittenBlock | undefined> {
  const name = `overlays/${overlay}.yaml`;
  const known = (await filesOf(folder, 'overlays/*.yaml')).map((file) =>
    file.replace(/^overlays\/(.*)\.yaml$/, '$1'),
  );
  if (known.includes(overlay)) return read(name, { file: name, line: 1, column: 1 });
  const remedy = suggestion(overlay, known, `Write it as ${name}.`);
  const place = { file: MAIN, line: 1, column: 1 };
  problems.error(place, '', `there is no overlay ${overlay}`, remedy);
  return undefined;
}
