import { glob } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Place } from '../place.ts';
import { type Problems, suggestion } from '../problem.ts';
import { type OpenFiles, readText } from './open-files.ts';
import { readYaml } from './parse-blocks.ts';
import {
  type Keys,
  pathText,
  valueAt,
  type Written,
  type WrittenBlock,
  type WrittenEntry,
} from './written.ts';

/** A production's YAML before its values are filled in. */
interface LoadedProduction {
  readonly written: WrittenBlock;
  /** production.yaml and what it includes, without overlays. */
  readonly base: WrittenBlock;
  /** Absolute paths of all files that were read. */
  readonly files: readonly string[];
}

const MAIN = 'production.yaml';

interface Loading {
  readonly problems: Problems;
  readonly open?: OpenFiles | undefined;
}

/** Reads `production.yaml`, the files it includes, and the overlays in the order they are named. */
export async function loadProduction(
  folder: string,
  overlays: readonly string[],
  { problems, open }: Loading,
): Promise<LoadedProduction | undefined> {
  const files: string[] = [];
  const read = async (name: string, from: Place): Promise<WrittenBlock | undefined> => {
    files.push(join(folder, name));
    return readBlock(folder, name, { from, problems, open });
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

interface AskedFor extends Loading {
  /** The place that asked for the file. */
  readonly from: Place;
}

async function readBlock(
  folder: string,
  name: string,
  { from, problems, open }: AskedFor,
): Promise<WrittenBlock | undefined> {
  let text: string;
  try {
    text = await readText(join(folder, name), open);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const remedy = `A production is a folder with a ${MAIN}; this one is ${folder}.`;
    problems.error(from, '', `the file ${name} cannot be read (${code})`, remedy);
    return undefined;
  }
  const written = readYaml(name, text, { problems, open });
  if (written === undefined || written.kind === 'block') return written;
  problems.error(written.place, '', 'the file must be a block of keys', 'Write key: value lines.');
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
    // The grammar reports what is not a text.
    if (pattern.kind !== 'scalar' || typeof pattern.value !== 'string') continue;
    const names = await filesOf(folder, pattern.value);
    for (const name of names) found.set(name, { name, place: pattern.place });
    if (names.length === 0) {
      const remedy = "Patterns are relative to the production's folder: hosts/*.yaml.";
      problems.error(pattern.place, 'include', `no file matches ${pattern.value}`, remedy);
    }
  }
  return [...found.values()];
}

async function filesOf(folder: string, pattern: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const name of glob(pattern, { cwd: folder })) names.push(name);
  } catch {
    // An invalid pattern matches nothing.
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

/**
 * Applies an overlay to a production: blocks are merged key by key, everything else is replaced,
 * and a key with `~` (null) is removed. Every value keeps the place where it was written.
 */
function overlaid(below: WrittenBlock, above: WrittenBlock): WrittenBlock {
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) {
    const { value } = entry;
    const under = entries.get(key)?.value;
    if (value.kind === 'scalar' && value.value === null) entries.delete(key);
    else if (under?.kind === 'block' && value.kind === 'block') {
      entries.set(key, { ...(entries.get(key) ?? entry), value: overlaid(under, value) });
    } else entries.set(key, entry);
  }
  return { ...below, entries };
}

const HOSTS = ['services', 'processes', 'operations'];
/** Without one of these, a name in an overlay cannot be meant as a new host. */
const ESSENTIAL = ['adapter', 'rules', 'code'];

/** Otherwise a change to a name that does not exist would silently be lost. */
function checkOverlay(below: WrittenBlock, above: WrittenBlock, problems: Problems): void {
  for (const section of HOSTS) {
    const hosts = above.entries.get(section)?.value;
    const under = below.entries.get(section)?.value;
    if (hosts?.kind !== 'block') continue;
    const known = under?.kind === 'block' ? [...under.entries.keys()] : [];
    for (const { key, place, value } of hosts.entries.values()) {
      const isNew = value.kind === 'block' && ESSENTIAL.some((one) => value.entries.has(one));
      if (isNew || known.includes(key)) continue;
      const what = 'the production has no host of this name for the overlay to change';
      problems.error(place, pathText([section, key]), what, suggestion(key, known));
    }
  }
}

/** How deep included files are merged: `services` → `adt-in`, but not inside one host. */
const SHARED_DEPTH = 1;

/** Adds an included file to a production. What both define is a problem: use an overlay to replace values. */
function included(into: WrittenBlock, other: WrittenBlock, problems: Problems): WrittenBlock {
  return joined(into, other, { problems, keys: [], depth: 0 });
}

interface Joining {
  readonly problems: Problems;
  readonly keys: Keys;
  readonly depth: number;
}

function joined(into: WrittenBlock, other: WrittenBlock, joining: Joining): WrittenBlock {
  const entries = new Map<string, WrittenEntry>(into.entries);
  for (const [key, entry] of other.entries) {
    const earlier = entries.get(key);
    entries.set(key, earlier === undefined ? entry : joinEntry(earlier, entry, joining));
  }
  return { ...into, entries };
}

function joinEntry(earlier: WrittenEntry, entry: WrittenEntry, joining: Joining): WrittenEntry {
  const { problems, depth } = joining;
  const keys = [...joining.keys, entry.key];
  const blocks: [Written, Written] = [earlier.value, entry.value];
  if (depth < SHARED_DEPTH && blocks[0].kind === 'block' && blocks[1].kind === 'block') {
    const value = joined(blocks[0], blocks[1], { problems, keys, depth: depth + 1 });
    return { ...earlier, value };
  }
  const { file, line } = earlier.place;
  problems.error(
    entry.place,
    pathText(keys),
    `it is already defined in ${file}, line ${line}`,
    'Keep one of the two; use an overlay to replace values.',
  );
  return earlier;
}
