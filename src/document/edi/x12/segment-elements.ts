import { SEGMENT_TABLE } from './segment-table.ts';

/** What an element may hold. */
export interface X12Element {
  /** X12's data types; `composite` has components; `any` is unknown. */
  readonly type: 'AN' | 'ID' | 'R' | 'N' | 'DT' | 'TM' | 'composite' | 'any';
  readonly least: number;
  readonly most: number;
  readonly required: boolean;
  readonly repetitions: number;
  readonly components: readonly X12Element[];
}

/**
 * A rule between elements, by their numbers. P: if one is present, all are. R: at least one is. E: at most one is.
 * C: if the first is present, all others are. L: if the first is present, at least one other is.
 */
export interface ElementRule {
  readonly kind: 'P' | 'R' | 'E' | 'C' | 'L';
  readonly elements: readonly number[];
}

/** What is known of a segment. */
export interface X12Segment {
  readonly elements: readonly X12Element[];
  readonly rules: readonly ElementRule[];
}

let table: ReadonlyMap<string, X12Segment> | undefined;

/** The elements of a segment; undefined if it is unknown. */
export function x12Segment(name: string): X12Segment | undefined {
  table ??= readSegmentTable(SEGMENT_TABLE);
  return table.get(name);
}

/**
 * Reads a table of segments, one a line: `AMT ID1-3! R1-18! ID1 | P0102`. An element is a type with its least and most
 * characters (one number for both, N followed by its decimals), `(… …)` a composite, `-` an unknown one,
 * `*9` how often it may repeat, `!` that it is required; the rules follow `|`.
 */
export function readSegmentTable(text: string): ReadonlyMap<string, X12Segment> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [head = '', rules = ''] = line.split(' | ');
      const [name = '', ...words] = wordsOf(head);
      const segment = {
        elements: words.map(elementOf),
        rules: rules.split(' ').filter(Boolean).map(ruleOf),
      };
      return [name, segment] as const;
    }),
  );
}

/** Words separated by blanks; brackets hold one together. */
function wordsOf(text: string): string[] {
  return text.match(/\([^)]*\)\S*|\S+/g) ?? [];
}

const WORD = /^(?:\(([^)]*)\)|([A-Z]+)(\d+)(?:-(\d+))?|-)(?:\*(\d+))?(!)?$/;

function elementOf(word: string): X12Element {
  const [, inner, type, least = '0', most = least, repetitions = '1', needed] =
    WORD.exec(word) ?? [];
  const common = { required: needed !== undefined, repetitions: Number(repetitions) };
  if (inner !== undefined) {
    const components = wordsOf(inner).map(elementOf);
    return { ...common, type: 'composite', least: 0, most: 0, components };
  }
  if (!isType(type)) return { ...common, type: 'any', least: 0, most: 0, components: [] };
  // the first digit after N is its number of decimals
  const from = type === 'N' ? least.slice(1) : least;
  const to = type === 'N' && most === least ? from : most;
  return { ...common, type, least: Number(from), most: Number(to), components: [] };
}

const TYPES = ['AN', 'ID', 'R', 'N', 'DT', 'TM'] as const;

function isType(text: string | undefined): text is (typeof TYPES)[number] {
  return (TYPES as readonly (string | undefined)[]).includes(text);
}

const RULES = ['P', 'R', 'E', 'C', 'L'] as const;

function ruleOf(word: string): ElementRule {
  const kind = RULES.find((letter) => word.startsWith(letter)) ?? 'P';
  return { kind, elements: (word.slice(1).match(/\d\d/g) ?? []).map(Number) };
}
