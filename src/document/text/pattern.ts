import type * as Re2 from 're2js';
import { onFirstUse } from '../../time/on-first-use.ts';

const re2 = onFirstUse<typeof Re2>('re2js');

/**
 * A regular expression that takes time linear in the text: the content of a body must not hold up
 * other messages. It is matched by RE2's algorithm; if the pattern is simple and the text short, by
 * the runtime's own, which is then faster.
 */
export interface Pattern {
  test(text: string): boolean;
  /** The first match and its groups; undefined if there is none. */
  first(text: string): readonly (string | undefined)[] | undefined;
  /** Replaces every match; `$1` is the first group, `$&` the match, `$$` a dollar. */
  replaceAll(text: string, put: string): string;
}

/** A fault of a pattern or its result. The text quotes neither the pattern nor a value. */
export class PatternFault extends Error {
  override readonly name = 'PatternFault';
}

/** The longest pattern: RE2 compiles it into a program. */
const LONGEST = 1_000;
/** Texts up to this length are matched by the runtime if the pattern is simple. */
const SHORT = 256;
/** How many characters a replacement may produce. */
const LARGEST = 32_000_000;
const CACHE_LIMIT = 1_000;
const cache = new Map<string, Pattern>();

/** The fault of a pattern; undefined if there is none. */
export function patternProblem(source: string): string | undefined {
  try {
    pattern(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternFault) return error.message;
    throw error;
  }
}

/** Compiles and caches a pattern of at most this many characters. Throws PatternFault. */
export function pattern(source: string, longest = LONGEST): Pattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  if (source.length > longest) {
    throw new PatternFault(`a regular expression is longer than ${longest} characters`);
  }
  const made = compile(source);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(source, made);
  return made;
}

function compile(source: string): Pattern {
  const native = nativeOf(source);
  if (native !== undefined && isLinear(source)) return nativePattern(native);
  const linear = linearOf(source, native !== undefined);
  const short = native !== undefined && isSimple(source) ? native : undefined;
  return {
    test: (text) =>
      short !== undefined && text.length <= SHORT ? short.test(text) : linear.matcher(text).find(),
    first: (text) => {
      if (short !== undefined && text.length <= SHORT) return short.exec(text) ?? undefined;
      return matchesOf(linear, text).next().value?.groups;
    },
    replaceAll: (text, put) => replaced(text, put, matchesOf(linear, text)),
  };
}

function nativePattern(native: RegExp): Pattern {
  return {
    test: (text) => native.test(text),
    first: (text) => native.exec(text) ?? undefined,
    replaceAll: (text, put) => replaced(text, put, nativeMatches(native, text)),
  };
}

function* nativeMatches(native: RegExp, text: string): Generator<Match, undefined> {
  for (const found of text.matchAll(new RegExp(native, `g${native.flags}`))) {
    yield { start: found.index, end: found.index + found[0].length, groups: found };
  }
  return undefined;
}

function nativeOf(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'u');
  } catch {
    // a SyntaxError: it may still be one of RE2, such as (?i)
    return undefined;
  }
}

function linearOf(source: string, isNative: boolean): Re2.RE2JS {
  const { RE2JS } = re2();
  try {
    return RE2JS.compile(inRe2(source));
  } catch {
    // its message quotes the pattern
    throw new PatternFault(
      isNative
        ? 'a regular expression looks around ((?=…), (?<=…)), refers back (\\1) or repeats too often, which has no time limit'
        : 'a regular expression is not valid',
    );
  }
}

/**
 * Whether the runtime's own matching is also linear: nothing is repeated and there is at most one
 * group of alternatives, or it is anchored at the beginning and repeats one character, once. RE2
 * counts no further than 1000 repetitions, and a maximum length is often larger.
 */
export function isLinear(source: string): boolean {
  const bare = bareOf(source);
  if (/\\[1-9k]|\(\?[=!<]/.test(source)) return false;
  const repeated = bare.replaceAll('(?:', '(').match(/[*+?{]/g)?.length ?? 0;
  if (repeated === 0) return (bare.match(/\(/g)?.length ?? 0) <= 1;
  return repeated === 1 && bare.startsWith('^') && !/\)[*+?{]|\|/.test(bare);
}

/** No nested repetition, and little repetition at all: then a short text takes a moment at most. */
function isSimple(source: string): boolean {
  const bare = bareOf(source);
  return !/\)[*+{]/.test(bare) && (bare.match(/[*+{]/g)?.length ?? 0) <= 2;
}

/** With x in place of every escaped character and class. */
function bareOf(source: string): string {
  return source.replaceAll(/\\[pPu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]/gsu, 'x');
}

const BLANKS = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;

/** What has another meaning in RE2: white space, the dot, code points. */
function inRe2(source: string): string {
  let inClass = false;
  return source.replaceAll(
    /\\u\{([\da-fA-F]+)\}|\\u([\da-fA-F]{4})|\\?[^]/gu,
    (part, code: string | undefined, four: string | undefined) => {
      const point = code ?? four;
      if (point !== undefined) return `\\x{${point}}`;
      if (part === '\\/') return '/';
      if (part === '\\s') return inClass ? BLANKS : `[${BLANKS}]`;
      if (part === '\\S' && !inClass) return `[^${BLANKS}]`;
      if (part === '.' && !inClass) return String.raw`[^\n\r\x{2028}\x{2029}]`;
      inClass ||= part === '[';
      inClass &&= part !== ']';
      return part;
    },
  );
}

interface Match {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

function* matchesOf(linear: Re2.RE2JS, text: string): Generator<Match, undefined> {
  const matcher = linear.matcher(text);
  const count = matcher.groupCount();
  while (matcher.find()) {
    const groups = Array.from({ length: count + 1 }, (_, at) => matcher.group(at) ?? undefined);
    yield { start: matcher.start(), end: matcher.end(), groups };
  }
  return undefined;
}

function replaced(text: string, put: string, matches: Iterable<Match>): string {
  const parts: string[] = [];
  let [last, size] = [0, 0];
  for (const { start, end, groups } of matches) {
    const made = put.replaceAll(/\$([$&]|\d)/g, (whole, mark: string) => {
      if (mark === '$') return '$';
      if (mark === '&') return groups[0] ?? '';
      return Number(mark) > 0 && Number(mark) < groups.length
        ? (groups[Number(mark)] ?? '')
        : whole;
    });
    size += made.length;
    if (size > LARGEST) throw new PatternFault('a replacement made a text too long');
    parts.push(text.slice(last, start), made);
    last = end;
  }
  parts.push(text.slice(last));
  return parts.join('');
}
