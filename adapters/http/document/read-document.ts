import { readFile } from 'node:fs/promises';
import type { SettingsFault } from 'waybill/adapter';
import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';

export type DocumentNode = Readonly<Record<string, unknown>>;

/** A YAML or JSON file with an object, and the places of its content. */
export interface ReadDocument {
  readonly file: string;
  readonly value: DocumentNode;
  /** Where the key or entry at these keys is, or the nearest existing one above it. */
  placeOf(keys: readonly string[]): NonNullable<SettingsFault['place']>;
}

/** Reads the file that a setting names, or says why it cannot be used. */
export async function readDocument(
  file: string,
  setting: string,
): Promise<ReadDocument | SettingsFault> {
  const path = [setting];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as { code?: string };
    return {
      path,
      what: `the file ${file} cannot be read (${code})`,
      remedy: 'Put it there or correct the path.',
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number): NonNullable<SettingsFault['place']> => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    const what = `${file} is neither YAML nor JSON`;
    return { path, place: at(problem.pos[0]), what, remedy: 'Correct the file.' };
  }
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      path,
      place: at(0),
      what: `${file} does not contain an object`,
      remedy: 'Correct the file.',
    };
  }
  return {
    file,
    value: value as DocumentNode,
    placeOf: (keys) => at(offsetOf(document.contents, keys)),
  };
}

/** Where a key begins; an entry of a list where its value does. */
function offsetOf(contents: unknown, keys: readonly string[]): number {
  let current: unknown = contents;
  let offset = 0;
  for (const key of keys) {
    if (isMap(current)) {
      const pair = current.items.find((one) => String(one.key) === key);
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      current = pair.value;
    } else if (isSeq(current)) {
      current = current.items[Number(key)];
      offset = (current as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

export function object(value: unknown): DocumentNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as DocumentNode)
    : {};
}

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a reference inside the document points to, with the keys of that place; undefined if it points nowhere. */
export function target(
  document: DocumentNode,
  reference: string,
): { readonly keys: readonly string[]; readonly value: unknown } | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined;
  const keys = reference
    .split('/')
    .slice(1)
    .map((part) => decoded(part).replaceAll('~1', '/').replaceAll('~0', '~'));
  let value: unknown = document;
  for (const key of keys) {
    const held = Object(value) as Record<string, unknown>;
    if (!Object.hasOwn(held, key)) return undefined;
    value = held[key];
  }
  return { keys, value };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: a stray %
    return text;
  }
}
