import { readFile, stat } from 'node:fs/promises';
import type { Written } from './written.ts';

/** Texts that an editor holds and has not saved, by absolute path: they count instead of what is on disk. */
export type OpenFiles = ReadonlyMap<string, string>;

/** What was read for an editor before, so that at each key only what has changed is read again. */
export interface ReadBefore {
  /** Absolute path → what is on disk. */
  readonly texts: Map<string, { readonly stamp: string; readonly text: string }>;
  /** File → its blocks, by their first line and text. */
  readonly blocks: Map<string, ReadonlyMap<string, Written>>;
}

const before = new WeakMap<OpenFiles, ReadBefore>();

/** Lasts as long as the editor's documents: the same map is handed in again and again. */
export function readBefore(open: OpenFiles): ReadBefore {
  const known = before.get(open) ?? { texts: new Map(), blocks: new Map() };
  before.set(open, known);
  return known;
}

/** The text of a file, as an editor holds it or as it is on disk. Rejects as `readFile` does. */
export async function readText(file: string, open: OpenFiles | undefined): Promise<string> {
  if (open === undefined) return readFile(file, 'utf8');
  const held = open.get(file);
  if (held !== undefined) return held;
  const { texts } = readBefore(open);
  const { mtimeMs, ctimeMs, size, ino } = await stat(file);
  const stamp = [mtimeMs, ctimeMs, size, ino].join(' ');
  const known = texts.get(file);
  if (known?.stamp === stamp) return known.text;
  const text = await readFile(file, 'utf8');
  texts.set(file, { stamp, text });
  return text;
}
