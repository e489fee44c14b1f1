import type * as Differences from 'diff';
import { charsetNamed, decodeFaithfully, hasSegments, kindOf } from '../../document/index.ts';
import { onFirstUse } from '../../time/on-first-use.ts';
import type {
  Diff,
  FieldDifference,
  Hl7TreeField,
  Hl7TreeSegment,
  LineDifference,
} from '../contract/body.ts';
import { astmTree } from './astm-tree.ts';
import { indentedJson } from './body-text.ts';
import { ediTree } from './edi-tree.ts';
import { hl7Tree } from './hl7-tree.ts';
import type { ShownBody } from './shown-body.ts';

const differences = onFirstUse<typeof Differences>('diff');

/** The most differences shown; more are of no use to a reader. */
const SHOWN = 5_000;

/** What a comparison needs of a body. */
export type Compared = Pick<ShownBody, 'bytes' | 'reading'>;

/** Compares the bodies of two messages. */
export function bodyDiff(before: ShownBody, after: ShownBody): Diff {
  return {
    before: before.message.id,
    after: after.message.id,
    masked: before.masked || after.masked,
    ...contentDiff(before, after),
  };
}

/** Compares two bodies: HL7, X12, EDIFACT and ASTM field by field where both can be read, anything else line by line. */
export function contentDiff(
  before: Compared,
  after: Compared,
): Pick<Diff, 'kind' | 'equal' | 'fields' | 'lines' | 'truncated'> {
  const trees = [before, after].map(treeOf);
  const [one, other] = trees;
  if (one !== undefined && other !== undefined) {
    const fields = hl7Difference(one, other);
    return {
      kind: one.standard === 'HL7' ? 'hl7' : 'segments',
      equal: fields.length === 0,
      fields: fields.slice(0, SHOWN),
      lines: [],
      truncated: fields.length > SHOWN,
    };
  }
  const { lines, truncated } = lineDifference(linesOf(before), linesOf(after));
  return {
    kind: 'lines',
    equal: !truncated && lines.every(({ change }) => change === 'same'),
    fields: [],
    lines: lines.slice(0, SHOWN),
    truncated: truncated || lines.length > SHOWN,
  };
}

const TREES = { hl7: hl7Tree, x12: ediTree, edifact: ediTree, astm: astmTree };

function treeOf({ bytes, reading }: Compared): ReturnType<typeof hl7Tree> | undefined {
  const kind = kindOf(reading.type);
  if (!hasSegments(kind)) return undefined;
  try {
    return TREES[kind](bytes, reading.charset);
  } catch {
    // damaged: compared line by line
    return undefined;
  }
}

function linesOf({ bytes, reading }: Compared): string[] {
  const { text } = decodeFaithfully(bytes, charsetNamed(reading.charset));
  return (kindOf(reading.type) === 'json' ? indentedJson(text) : text).split(/\r\n|\r|\n/);
}

interface Tree {
  readonly segments: readonly Hl7TreeSegment[];
}

/** Every field in which two messages differ, in message order; a segment that only one has is given as a whole. */
export function hl7Difference(before: Tree, after: Tree): FieldDifference[] {
  const pairs = segmentPairs(before.segments, after.segments);
  return pairs.flatMap(([old, now]) => {
    if (old === undefined) return now === undefined ? [] : [whole(now, 'added')];
    if (now === undefined) return [whole(old, 'removed')];
    if (old.name !== now.name) return [whole(old, 'removed'), whole(now, 'added')];
    return fieldDifferences(old, now);
  });
}

/** Pairs the segments of two messages: what is equal at both ends, and in between the most similar. */
function segmentPairs(
  before: readonly Hl7TreeSegment[],
  after: readonly Hl7TreeSegment[],
): Pair<Hl7TreeSegment>[] {
  const [head, tail] = equalEnds(
    before.map(({ raw }) => raw),
    after.map(({ raw }) => raw),
  );
  const old = before.slice(head, before.length - tail);
  const now = after.slice(head, after.length - tail);
  const isMany = old.length * now.length > COMPARED_SEGMENTS;
  return [
    ...inOrder(before.slice(0, head), after.slice(0, head)),
    ...(isMany ? pairsByName(old, now) : mostSimilar(old, now)),
    ...inOrder(before.slice(before.length - tail), after.slice(after.length - tail)),
  ];
}

/** How many texts are equal at the beginning of two lists, and at their ends. */
function equalEnds(
  before: readonly string[],
  after: readonly string[],
): readonly [head: number, tail: number] {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [head, tail];
}

/** Segments of the same names in order, without looking for the most similar. */
function pairsByName(
  before: readonly Hl7TreeSegment[],
  after: readonly Hl7TreeSegment[],
): Pair<Hl7TreeSegment>[] {
  const old = before.map(({ name }) => name);
  const now = after.map(({ name }) => name);
  const changes = differences().diffArrays(old, now, { maxEditLength: EDITS });
  return changes === undefined ? inOrder(before, after) : pairsOf(changes, before, after);
}

function mostSimilar(
  before: readonly Hl7TreeSegment[],
  after: readonly Hl7TreeSegment[],
): Pair<Hl7TreeSegment>[] {
  const values = new Map(
    before.map((segment) => [segment, new Map(segment.fields.map(({ n, raw }) => [n, raw]))]),
  );
  return aligned(before, after, (a, b) => {
    if (a.name !== b.name) return 0;
    if (a.raw === b.raw) return 3;
    // the more equal fields the better
    const known = values.get(a);
    const same = b.fields.filter(({ n, raw }) => known?.get(n) === raw).length;
    return 1 + same / Math.max(1, a.fields.length, b.fields.length);
  });
}

function whole(segment: Hl7TreeSegment, change: 'added' | 'removed'): FieldDifference {
  const { name, index, title, raw } = segment;
  const path = index === 1 ? name : `${name}[${index}]`;
  return change === 'added'
    ? { path, name: title, change, before: undefined, after: raw }
    : { path, name: title, change, before: raw, after: undefined };
}

function fieldDifferences(old: Hl7TreeSegment, now: Hl7TreeSegment): FieldDifference[] {
  const before = new Map(old.fields.map((field) => [field.n, field]));
  const after = new Map(now.fields.map((field) => [field.n, field]));
  const numbers = [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) => a - b);
  return numbers.flatMap((n) => difference(before.get(n), after.get(n)));
}

function difference(
  old: Hl7TreeField | undefined,
  now: Hl7TreeField | undefined,
): FieldDifference[] {
  const { path = '', name } = now ?? old ?? {};
  if (old === undefined || now === undefined) {
    const change = old === undefined ? 'added' : 'removed';
    return [{ path, name, change, before: old?.raw, after: now?.raw }];
  }
  if (old.raw === now.raw) return [];
  const [one, other] = [soleRepetition(old), soleRepetition(now)];
  if (one === undefined || other === undefined) {
    return [{ path, name, change: 'changed', before: old.raw, after: now.raw }];
  }
  return componentDifferences(one, other, { path, name });
}

/** The only repetition; with several, it cannot be known which became which. */
function soleRepetition({ repetitions }: Hl7TreeField): Components | undefined {
  return repetitions.length === 1 ? repetitions[0] : undefined;
}

type Components = Hl7TreeField['repetitions'][number];

function changeOf(before: unknown, after: unknown): FieldDifference['change'] {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}

function componentDifferences(
  one: Components,
  other: Components,
  field: { readonly path: string; readonly name: string | undefined },
): FieldDifference[] {
  const simple = one.length < 2 && other.length < 2 && one[0]?.n === other[0]?.n;
  const [old, now] = [byNumber(one), byNumber(other)];
  const numbers = [...new Set([...old.keys(), ...now.keys()])].toSorted((a, b) => a - b);
  return numbers.flatMap((n) => {
    const [before, after] = [old.get(n), now.get(n)];
    if (before?.value === after?.value) return [];
    const component = after?.name ?? before?.name;
    const place = simple
      ? field
      : {
          path: `${field.path}.${n}`,
          name: [field.name, component].filter(Boolean).join(' / '),
        };
    return [
      { ...place, change: changeOf(before, after), before: before?.value, after: after?.value },
    ];
  });
}

function byNumber(components: Components): ReadonlyMap<number, Components[number]> {
  return new Map(components.map((component) => [component.n, component]));
}

/** The most differing lines for `diff`, whose time grows with their square: this many take about 50 ms. */
const EDITS = 500;
/** If more differ: the most lines compared, not counting equal ones at the beginning and the end. */
const COMPARED = 2_000;

interface Line {
  readonly n: number;
  readonly text: string;
}

/** Compares two texts line by line. */
export function lineDifference(
  before: readonly string[],
  after: readonly string[],
): { readonly lines: LineDifference[]; readonly truncated: boolean } {
  const [head, tail] = equalEnds(before, after);
  const middle = (lines: readonly string[]): Line[] =>
    lines.slice(head, lines.length - tail).map((text, index) => ({ n: head + index + 1, text }));
  const [old, now] = [middle(before), middle(after)];
  const fewEdits = differences().diffArrays(
    old.map(({ text }) => text),
    now.map(({ text }) => text),
    { maxEditLength: EDITS },
  );
  const cut = fewEdits === undefined && (old.length > COMPARED || now.length > COMPARED);
  const pairs =
    fewEdits === undefined
      ? aligned(old.slice(0, COMPARED), now.slice(0, COMPARED), (a, b) =>
          a.text === b.text ? 1 : 0,
        )
      : pairsOf(fewEdits, old, now);
  const end = [before.length - tail, after.length - tail] as const;
  return {
    lines: [
      ...before.slice(0, head).map((text, index) => sameLine(text, index, 0, 0)),
      ...pairs.flatMap(([one, other]) => lineOf(one, other)),
      ...before.slice(end[0]).map((text, index) => sameLine(text, index, ...end)),
    ],
    truncated: cut,
  };
}

function pairsOf<Item>(
  changes: readonly Differences.ChangeObject<string[]>[],
  old: readonly Item[],
  now: readonly Item[],
): Pair<Item>[] {
  let [row, column] = [0, 0];
  return changes.flatMap(({ added, removed, count }) =>
    Array.from(
      { length: count },
      (): Pair<Item> => [added ? undefined : old[row++], removed ? undefined : now[column++]],
    ),
  );
}

/** Equal lines, with `from` and `to` lines before the first of them. */
function sameLine(text: string, index: number, from: number, to: number): LineDifference {
  return { change: 'same', text, before: from + index + 1, after: to + index + 1 };
}

function lineOf(one: Line | undefined, other: Line | undefined): LineDifference[] {
  if (one !== undefined && other !== undefined) {
    return [{ change: 'same', text: one.text, before: one.n, after: other.n }];
  }
  if (one !== undefined) {
    return [{ change: 'removed', text: one.text, before: one.n, after: undefined }];
  }
  if (other !== undefined) {
    return [{ change: 'added', text: other.text, before: undefined, after: other.n }];
  }
  return [];
}

type Pair<Item> = readonly [Item | undefined, Item | undefined];

/** Above this many comparisons of segments they are paired by their names; so many take about 0.2 s. */
const COMPARED_SEGMENTS = 1_000_000;

/** Above this many comparisons the middle parts are paired in order, without searching for the best pairing. */
const COMPARISONS = 4_000_000;

/**
 * Pairs the items of two lists, in order, so that the sum of similarities is greatest; an item
 * without a match stays alone.
 */
function aligned<Item>(
  before: readonly Item[],
  after: readonly Item[],
  likeness: (a: Item, b: Item) => number,
): Pair<Item>[] {
  const [rows, columns] = [before.length, after.length];
  if (rows * columns > COMPARISONS) {
    return inOrder(before, after);
  }
  const width = columns + 1;
  const best = new Float64Array((rows + 1) * width);
  const at = (row: number, column: number): number => best[row * width + column] ?? 0;
  const alike = (row: number, column: number): number => {
    const [a, b] = [before[row], after[column]];
    return a === undefined || b === undefined ? 0 : likeness(a, b);
  };
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const like = alike(row, column);
      const paired = like > 0 ? like + at(row + 1, column + 1) : 0;
      best[row * width + column] = Math.max(paired, at(row + 1, column), at(row, column + 1));
    }
  }
  return bestWay(before, after, { at, alike });
}

function inOrder<Item>(before: readonly Item[], after: readonly Item[]): Pair<Item>[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, at) => [before[at], after[at]]);
}

/** Follows the best path from the start. */
function bestWay<Item>(
  before: readonly Item[],
  after: readonly Item[],
  {
    at,
    alike,
  }: {
    readonly at: (row: number, column: number) => number;
    readonly alike: (row: number, column: number) => number;
  },
): Pair<Item>[] {
  const found: Pair<Item>[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    const like = alike(row, column);
    if (like > 0 && like + at(row + 1, column + 1) === at(row, column)) {
      found.push([before[row++], after[column++]]);
    } else if (at(row + 1, column) >= at(row, column + 1)) found.push([before[row++], undefined]);
    else found.push([undefined, after[column++]]);
  }
  while (row < before.length) found.push([before[row++], undefined]);
  while (column < after.length) found.push([undefined, after[column++]]);
  return found;
}
