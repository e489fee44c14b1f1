import type { Place } from '../place.ts';

/** A value of a production as it was written: the value, and the file, line and column it came from. */
export type Written = WrittenScalar | WrittenBlock | WrittenList;

export interface WrittenScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it is in the file, without quotes: `007` if the value is 7, `${env:PORT}` if it is `2575`. */
  readonly source: string;
  readonly place: Place;
  /** The place of a character of the text, counted from 0 in the filled-in text. */
  readonly placeOf: (offset: number) => Place;
  /** Whether a value such as `${env:NAME}` was filled in. */
  readonly filled: boolean;
  /** The text before that; left out if nothing was filled in. */
  readonly template?: string;
  /** Whether any of it comes from a secret or a file: then only `source` may be shown. */
  readonly hidden: boolean;
  /** Whether a value to fill in was missing. That was reported; what follows from it is not. */
  readonly missing: boolean;
  /** Absolute paths of the files whose content was filled in. */
  readonly files: readonly string[];
}

export interface WrittenBlock {
  readonly kind: 'block';
  readonly entries: ReadonlyMap<string, WrittenEntry>;
  readonly place: Place;
}

/** A key with its value; the place is that of the key. */
export interface WrittenEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: Written;
}

interface WrittenList {
  readonly kind: 'list';
  readonly items: readonly Written[];
  readonly place: Place;
}

export type Keys = readonly (string | number)[];

/** A block without keys, such as one that was left out. */
export function emptyBlock(place: Place): WrittenBlock {
  return { kind: 'block', entries: new Map(), place };
}

/** Whether a key is absent or has no value. */
export function isAbsent(written: Written | undefined): boolean {
  return written === undefined || (written.kind === 'scalar' && written.value === null);
}

/** The value below `written` at the keys; undefined if there is none. */
export function valueAt(written: Written | undefined, keys: Keys): Written | undefined {
  let here = written;
  for (const key of keys) {
    if (here?.kind === 'block') here = here.entries.get(String(key))?.value;
    // A list setting may be written as a single item without brackets.
    else if (here?.kind === 'list') here = here.items[Number(key)];
    else if (key !== 0) return undefined;
  }
  return here;
}

/** The place of the deepest of the keys that was written: that of the key, or with `value` that of its value. */
export function placeAt(written: Written, keys: Keys, of: 'key' | 'value' = 'key'): Place {
  let place = written.place;
  let here: Written | undefined = written;
  for (const [index, key] of keys.entries()) {
    const last = index === keys.length - 1;
    if (here.kind === 'block') {
      const entry: WrittenEntry | undefined = here.entries.get(String(key));
      if (entry === undefined) return place;
      place = last && of === 'value' ? entry.value.place : entry.place;
      here = entry.value;
    } else if (here.kind === 'list') {
      const item: Written | undefined = here.items[Number(key)];
      if (item === undefined) return place;
      place = item.place;
      here = item;
    } else return place;
  }
  return place;
}

/** Plain values as written, with `${secret:…}` and `${file:…}` not filled in, for showing and comparing. */
export function shown(written: Written): unknown {
  if (written.kind === 'scalar') return written.hidden ? written.source : written.value;
  if (written.kind === 'list') return written.items.map(shown);
  return Object.fromEntries([...written.entries].map(([key, { value }]) => [key, shown(value)]));
}

/** `operations.ward.replies[0]`, as shown before a problem. */
export function pathText(keys: Keys): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
