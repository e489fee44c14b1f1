import type { Line } from './line.ts';
import { hasPart, partOf, partsOf, withPart } from './part.ts';
import { ALL, type SegmentPath } from './segment-path.ts';

/** The delimiters of a segment; `''` for one that a body does not have. */
export interface Marks {
  readonly field: string;
  readonly repetition: string;
  readonly component: string;
  readonly subcomponent: string;
  /** Makes the next character part of the value. */
  readonly release: string;
}

/** How the body that a segment belongs to is written. */
export interface Writing {
  readonly marks: Marks;
  /** What a field reads as that is never split (`SegmentPath.isWhole`). */
  readWhole(slot: string, path: SegmentPath, line: Line): string;
  /** The plain text of a value that has no mark in it. */
  unescape(value: string): string;
  /** A plain value written so that it cannot break out of its place. */
  escapePlain(value: string): string;
  /** An already written value, escaped so that it stays inside its field, or its repetition. */
  escapeComposite(value: string, inside: 'field' | 'repetition'): string;
}

/** The first value at the path in this segment, as for `Document.get`. */
export function readPlace(line: Line, path: SegmentPath, writing: Writing): string {
  if (path.field === 0) return line.text;
  const field = line.slot(path.slot, writing.marks.field);
  if (path.isWhole) return writing.readWhole(field, path, line);
  const n = Math.max(path.repetition, 1);
  const repetition =
    field.length > LONG && n > 1
      ? (line.repetitions(path.slot, writing.marks)[n - 1] ?? '')
      : partOf(field, writing.marks.repetition, n, writing.marks.release);
  return valueIn(repetition, path, writing);
}

/** Every value at the path in this segment, without empty places. */
export function readAllPlaces(line: Line, path: SegmentPath, writing: Writing): string[] {
  const { field: separator, repetition, release } = writing.marks;
  if (path.field === 0 || path.repetition > 0 || path.isWhole) {
    const value = readPlace(line, path, writing);
    return value === '' ? [] : [value];
  }
  const field = line.slot(path.slot, separator);
  if (!field.includes(repetition)) {
    const value = valueIn(field, path, writing);
    return value === '' ? [] : [value];
  }
  return partsOf(field, repetition, release)
    .map((part) => valueIn(part, path, writing))
    .filter((value) => value !== '');
}

/** The raw characters at the path; for a field without a repetition number, all its repetitions. */
export function readRaw(line: Line, path: SegmentPath, writing: Writing): string {
  const { marks } = writing;
  if (path.field === 0) return line.text;
  const field = line.slot(path.slot, marks.field);
  if (path.isWhole) return writing.readWhole(field, path, line);
  if (path.repetition <= 0 && path.component === 0) return field;
  return within(
    partOf(field, marks.repetition, Math.max(path.repetition, 1), marks.release),
    path,
    marks,
  );
}

/**
 * A place that has parts is returned as written, with its escapes; any other as plain text.
 * So a copied field keeps its structure and a compared one reads naturally.
 */
function valueIn(repetition: string, path: SegmentPath, writing: Writing): string {
  const { marks } = writing;
  const value = within(repetition, path, marks);
  const below =
    path.component === 0 ? marks.component : path.subcomponent === 0 ? marks.subcomponent : '';
  return hasPart(value, below, marks.release) ? value : writing.unescape(value);
}

function within(repetition: string, path: SegmentPath, marks: Marks): string {
  if (path.component === 0) return repetition;
  const component = partOf(repetition, marks.component, path.component, marks.release);
  return path.subcomponent === 0
    ? component
    : partOf(component, marks.subcomponent, path.subcomponent, marks.release);
}

/**
 * Writes a value at the path. In a component or subcomponent it is plain text and wholly escaped; as a
 * whole field a value with component separators is taken as it is written (`ADT^A01^ADT_A01`).
 */
export function writePlace(line: Line, path: SegmentPath, value: string, writing: Writing): void {
  const { marks } = writing;
  const composite = path.component === 0 && hasPart(value, marks.component, marks.release);
  const written = composite
    ? writing.escapeComposite(value, 'repetition')
    : writing.escapePlain(value);
  writeRepetitions(line, path, marks, (repetition) => withValue(repetition, path, written, marks));
}

/** Writes an already written value; only what would end the place is escaped. */
export function writeRaw(line: Line, path: SegmentPath, value: string, writing: Writing): void {
  const { marks } = writing;
  if (path.repetition <= 0 && path.component === 0) {
    const field = writing.escapeComposite(value, 'field');
    line.replaceSlot(path.slot, marks.field, field);
    return;
  }
  const written = writing.escapeComposite(value, 'repetition');
  writeRepetitions(line, path, marks, (repetition) => withValue(repetition, path, written, marks));
}

/**
 * Empties the path in this segment: a whole field with all its repetitions, one repetition (later
 * ones move up), or a part.
 */
export function removePlace(line: Line, path: SegmentPath, { marks }: Writing): void {
  if (path.component > 0) {
    const everywhere = path.repetition === 0 ? { ...path, repetition: ALL } : path;
    writeRepetitions(line, everywhere, marks, (repetition) =>
      withValue(repetition, path, '', marks),
    );
    return;
  }
  if (path.repetition <= 0) {
    line.replaceSlot(path.slot, marks.field, '');
    return;
  }
  const field = line.slot(path.slot, marks.field);
  if (field.length > LONG) {
    if (path.repetition > line.repetitions(path.slot, marks).length) return;
    line.replaceRepetition(path.slot, path.repetition - 1, { value: undefined, marks });
    return;
  }
  const parts = partsOf(field, marks.repetition, marks.release);
  if (path.repetition > parts.length) return;
  parts.splice(path.repetition - 1, 1);
  line.replaceSlot(path.slot, marks.field, parts.join(marks.repetition));
}

/** Adds a repetition before the one of the path; after the last if the path has none or a later one. */
export function insertPlace(line: Line, path: SegmentPath, value: string, writing: Writing): void {
  const { marks } = writing;
  const field = line.slot(path.slot, marks.field);
  const parts = field === '' ? [] : partsOf(field, marks.repetition, marks.release);
  const place = path.repetition <= 0 ? parts.length : path.repetition - 1;
  while (parts.length < place) parts.push('');
  parts.splice(place, 0, '');
  line.replaceSlot(path.slot, marks.field, parts.join(marks.repetition));
  writePlace(line, { ...path, repetition: place + 1 }, value, writing);
}

/** The repetitions of a longer field are not searched for again for each of them. */
const LONG = 2000;

function writeRepetitions(
  line: Line,
  path: SegmentPath,
  marks: Marks,
  change: (repetition: string) => string,
): void {
  const field = line.slot(path.slot, marks.field);
  if (path.repetition === ALL) {
    const changed = partsOf(field, marks.repetition, marks.release).map(change);
    line.replaceSlot(path.slot, marks.field, changed.join(marks.repetition));
    return;
  }
  const n = Math.max(path.repetition, 1);
  const known = field.length > LONG ? line.repetitions(path.slot, marks)[n - 1] : undefined;
  if (known !== undefined) {
    const value = change(known);
    if (value !== known) line.replaceRepetition(path.slot, n - 1, { value, marks });
    return;
  }
  const changed = change(partOf(field, marks.repetition, n, marks.release));
  const written = withPart(field, marks.repetition, n, { value: changed, release: marks.release });
  if (written !== field) line.replaceSlot(path.slot, marks.field, written);
}

function withValue(
  repetition: string,
  path: SegmentPath,
  value: string,
  { component, subcomponent, release }: Marks,
): string {
  if (path.component === 0) return value;
  if (path.subcomponent === 0) {
    return withPart(repetition, component, path.component, { value, release });
  }
  const whole = partOf(repetition, component, path.component, release);
  const changed = withPart(whole, subcomponent, path.subcomponent, { value, release });
  return withPart(repetition, component, path.component, { value: changed, release });
}
