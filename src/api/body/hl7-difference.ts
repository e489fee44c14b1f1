import type { FieldDifference, Hl7TreeField, Hl7TreeSegment } from '../contract/body.ts';
import { aligned } from './aligned.ts';

interface Tree {
  readonly segments: readonly Hl7TreeSegment[];
}

/** Every field in which two messages differ, in the order of the message; a segment that is only in one, as a whole. */
export function hl7Difference(before: Tree, after: Tree): FieldDifference[] {
  const pairs = aligned(before.segments, after.segments, likeness);
  return pairs.flatMap(([old, now]) => {
    if (old === undefined) return now === undefined ? [] : [whole(now, 'added')];
    if (now === undefined) return [whole(old, 'removed')];
    if (old.name !== now.name) return [whole(old, 'removed'), whole(now, 'added')];
    return fieldDifferences(old, now);
  });
}

/** Segments of one name belong together, the more so the more of their fields are equal. */
function likeness(a: Hl7TreeSegment, b: Hl7TreeSegment): number {
  if (a.name !== b.name) return 0;
  if (a.raw === b.raw) return 3;
  const values = new Map(a.fields.map(({ n, raw }) => [n, raw]));
  const same = b.fields.filter(({ n, raw }) => values.get(n) === raw).length;
  return 1 + same / Math.max(1, a.fields.length, b.fields.length);
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

/** Which repetition became which cannot be known where there are several. */
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
  const numbers = [...new Set([...one, ...other].map(({ n }) => n))].toSorted((a, b) => a - b);
  return numbers.flatMap((n) => {
    const before = one.find((component) => component.n === n);
    const after = other.find((component) => component.n === n);
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
