import { type Problems, problemList } from '../problem.ts';
import { type OpenFiles, readBefore } from './open-files.ts';
import { parseYaml } from './parse-yaml.ts';
import type { Written, WrittenBlock, WrittenEntry } from './written.ts';

/** What makes one part of a file depend on another, or may mean something else in a part alone. */
const BOUND = /(?:^|[\s[{,])[&*][^\s]|^(?:---|\.\.\.|%)|\t|<<|\r(?!\n)/m;
const SECTION = /^([A-Za-z][\w-]*):(?:\s|$)/;
const HEADER = /^[A-Za-z][\w-]*:\s*(?:#.*)?$/;
const ENTRY = /^ {2}[A-Za-z_][\w.-]*:(?:\s|$)/;
/** Shorter files are read at once anyway. */
const LEAST_LINES = 200;

interface Part {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly lines: string[];
}

/** Reads a YAML file as `parseYaml` does; for an editor only what is other than before. */
export function readYaml(
  file: string,
  text: string,
  { problems, open }: { readonly problems: Problems; readonly open: OpenFiles | undefined },
): Written | undefined {
  if (open === undefined) return parseYaml(file, text, problems);
  const { blocks } = readBefore(open);
  const key = `1 ${text}`;
  const known = blocks.get(file)?.get(key) ?? parseBlocks(file, text, open);
  if (known !== undefined) return known;
  const own = problemList();
  const written = parseYaml(file, text, own);
  const found = own.list();
  for (const { severity, path, what, remedy, ...place } of found)
    problems[severity](place, path, what, remedy);
  if (written !== undefined && found.length === 0) blocks.set(file, new Map([[key, written]]));
  return written;
}

/**
 * Reads a large YAML file block by block and reads again only the blocks that are other ones than before. Undefined
 * where its blocks cannot be read by themselves, or one has a fault: then it is read as a whole.
 */
function parseBlocks(file: string, text: string, open: OpenFiles): Written | undefined {
  const lines = text.split('\n');
  if (lines.length < LEAST_LINES || BOUND.test(text)) return undefined;
  const sections = partsOf(lines, 1, SECTION, /^\S/);
  if (sections === undefined) return undefined;
  const { blocks } = readBefore(open);
  const known = blocks.get(file) ?? new Map<string, Written>();
  const used = new Map<string, Written>();
  const read = ({ line, lines: own }: Part): WrittenBlock | undefined => {
    const key = `${line} ${own.join('\n')}`;
    const problems = problemList();
    const written =
      known.get(key) ?? parseYaml(file, own.join('\n'), problems, { firstLine: line });
    if (written?.kind !== 'block' || problems.list().length > 0) return undefined;
    used.set(key, written);
    return written;
  };
  const written = joined(sections.map((section) => sectionOf(section, read)));
  if (written !== undefined) blocks.set(file, used);
  return written;
}

/** A section whose entries are on lines of their own is read entry by entry. */
function sectionOf(
  section: Part,
  read: (part: Part) => WrittenBlock | undefined,
): WrittenBlock | undefined {
  const { line, lines } = section;
  const [head = '', ...rest] = lines;
  const entries = HEADER.test(head) ? partsOf(rest, line + 1, ENTRY, /^ {0,2}[^\s]/) : undefined;
  if (entries === undefined || entries.length < 2) return read(section);
  const below = joined(entries.map(read));
  const [entry] = read({ line, lines: [head] })?.entries.values() ?? [];
  if (below === undefined || entry === undefined) return undefined;
  return {
    kind: 'block',
    entries: new Map([[entry.key, { ...entry, value: below }]]),
    place: entry.place,
  };
}

/** Cuts at the lines that begin something; undefined if others are as far to the left. */
function partsOf(
  lines: readonly string[],
  first: number,
  begins: RegExp,
  left: RegExp,
): Part[] | undefined {
  const parts: Part[] = [];
  for (const [at, line] of lines.entries()) {
    if (begins.test(line)) parts.push({ line: first + at, lines: [line] });
    else if (left.test(line) && !/^\s*#/.test(line)) return undefined;
    else if (parts.length > 0) parts.at(-1)?.lines.push(line);
    else if (line.trim() !== '' && !/^\s*#/.test(line)) return undefined;
  }
  return parts.length === 0 ? undefined : parts;
}

/** One block of several; undefined if one could not be read, or two have the same key. */
function joined(blocks: readonly (WrittenBlock | undefined)[]): WrittenBlock | undefined {
  const entries = new Map<string, WrittenEntry>();
  for (const block of blocks) {
    for (const [key, entry] of block?.entries ?? []) {
      if (entries.has(key)) return undefined;
      entries.set(key, entry);
    }
    if (block === undefined) return undefined;
  }
  const [first] = blocks;
  return first && { kind: 'block', entries, place: first.place };
}
