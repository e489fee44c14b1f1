/** A compiled path into a body of segments. Indexes count from 1; 0 if the path has none, `ALL` for `*`. */
export interface SegmentPath {
  readonly text: string;
  /** The loops in which the segment is looked up, from the outermost; none for the whole body. */
  readonly loops: readonly LoopStep[];
  readonly segment: string;
  /** The segment's name as a number; see `nameCode`. */
  readonly code: number;
  readonly index: number;
  /** 0: the path is a whole segment. */
  readonly field: number;
  /** Position between separators: one less than the field where field 1 is the separator itself. */
  readonly slot: number;
  /** Whether the field is never split, because it holds the separators themselves or has a fixed width. */
  readonly isWhole: boolean;
  readonly repetition: number;
  readonly component: number;
  readonly subcomponent: number;
}

/** `2300`, `2300[2]`, `2300[*]` of a path. */
export interface LoopStep {
  readonly id: string;
  readonly index: number;
}

export const ALL = -1;

const CACHE_LIMIT = 5000;

/** Caches compiled paths, because the same few are used again and again. */
export function cachedPaths(compile: (text: string) => SegmentPath): (text: string) => SegmentPath {
  const cache = new Map<string, SegmentPath>();
  const add = (text: string): SegmentPath => {
    const path = compile(text);
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(text, path);
    return path;
  };
  return (text) => cache.get(text) ?? add(text);
}

/** A number in a path: 0 if there is none, `ALL` for `*`. Calls `atZero` for a written 0, as counting starts at 1. */
export function pathNumber(digits: string | undefined, atZero: (digits: string) => never): number {
  if (digits === undefined) return 0;
  if (digits === '*') return ALL;
  const value = Number(digits);
  return value === 0 ? atZero(digits) : value;
}

/** One to three letters as one number, so that names compare quickly; 0 is no name. */
export function nameCode(name: string): number {
  // a missing letter is NaN, which counts as 0 here
  return (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2);
}

/** The name of a code. */
export function nameOfCode(code: number): string {
  if (code === 0) return '';
  const letters = [code >> 16, (code >> 8) & 0xff, code & 0xff].filter((letter) => letter !== 0);
  return String.fromCharCode(...letters);
}
