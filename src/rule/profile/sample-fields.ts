import {
  type FieldDefinition,
  fieldName,
  type Hl7Dictionary,
  hl7Dictionary,
} from '../../document/hl7/dictionary/dictionary.ts';
import { knownPath } from '../../document/hl7/dictionary/known-path.ts';
import type { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { hl7Path } from '../../document/hl7/path.ts';
import type { FieldRule } from '../../document/hl7/profile/profile.ts';
import type { Line } from '../../document/segment/line.ts';
import { partsOf } from '../../document/segment/part.ts';

/** More different values are no list of codes. */
const MOST_CODES = 20;
/** A value counts as a code if values came about this often each. */
const OFTEN = 2;

/** Coded types of HL7: of other values nothing is written down, as they may be of patients. */
const CODED: ReadonlySet<string> = new Set(['ID', 'IS']);
/** Types whose values have a length worth knowing. */
const SHORT: ReadonlySet<string> = new Set([
  'ST',
  'ID',
  'IS',
  'NM',
  'SI',
  'DT',
  'TM',
  'TS',
  'DTM',
  'SNM',
]);

/** A field or part with what was seen of it. */
export interface SeenField {
  readonly path: string;
  /** Undefined for a field that HL7 does not have in a segment that it has. */
  readonly rule: FieldRule | undefined;
  /** How many had it, and of how many segments, or of how many repetitions. */
  readonly had: number;
  readonly of: number;
  readonly codes: readonly string[] | undefined;
}

interface SeenPlace {
  had: number;
  /** All repetitions, and the most of one field. */
  repetitions: number;
  most: number;
  repeats: boolean;
  longest: number;
  isShort: boolean;
  /** As long as they may be a list of codes. */
  values: Set<string> | undefined;
}

interface SeenSegment {
  count: number;
  readonly fields: Map<number, SeenPlace>;
  /** By field and component. */
  readonly parts: Map<string, SeenPlace>;
}

/** Collects what fields of HL7 segments are like. */
export class SampleFields {
  readonly #segments = new Map<string, SeenSegment>();

  see(document: Hl7Document): void {
    const version = document.get('MSH-12.1').trim();
    const dictionary = hl7Dictionary(version) ?? hl7Dictionary('2.5.1');
    for (const line of document.lines()) {
      const name = line.text.slice(0, 3);
      if (line.code === 0 || name === 'MSH' || !/^[A-Z][A-Z\d]{2}$/.test(name)) continue;
      const seen = this.#segments.get(name) ?? { count: 0, fields: new Map(), parts: new Map() };
      this.#segments.set(name, seen);
      seen.count += 1;
      seeSegment(seen, { name, line, document, dictionary });
    }
  }

  fields(): SeenField[] {
    return [...this.#segments].flatMap(([name, { count, fields, parts }]) =>
      [...fields]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([at, seen]) => [
          fieldOf(`${name}-${at}`, seen, count),
          ...[...parts]
            .filter(([place]) => place.startsWith(`${at}.`))
            .flatMap(([place, part]) => partOf(`${name}-${place}`, part, seen.repetitions)),
        ]),
    );
  }
}

interface Place {
  readonly name: string;
  readonly line: Line;
  readonly document: Hl7Document;
  readonly dictionary: Hl7Dictionary | undefined;
}

function seeSegment({ fields, parts }: SeenSegment, place: Place): void {
  const { name, line, document, dictionary } = place;
  const { delimiters } = document;
  for (let at = 1; at <= line.slots(delimiters.field); at++) {
    const raw = line.slot(at, delimiters.field);
    if (raw === '') continue;
    const definition = dictionary?.fields(name)?.[at - 1];
    const repetitions = partsOf(raw, delimiters.repetition);
    seeField(seenAt(fields, at), repetitions, definition);
    const types = dictionary?.components(definition?.type ?? '')?.map(({ type }) => type) ?? [];
    for (const one of repetitions) {
      seeParts(parts, partsOf(one, delimiters.component), { at, types });
    }
  }
}

function seeField(
  seen: SeenPlace,
  repetitions: readonly string[],
  definition: FieldDefinition | undefined,
): void {
  seen.had += 1;
  seen.repetitions += repetitions.length;
  seen.most = Math.max(seen.most, repetitions.length);
  seen.repeats ||= definition === undefined || definition.repetitions > 1;
  seen.isShort &&= definition === undefined || SHORT.has(definition.type);
  for (const one of repetitions) seeValue(seen, one, CODED.has(definition?.type ?? ''));
}

/** A part may be coded in one version and not in another. */
function seeParts(
  parts: Map<string, SeenPlace>,
  values: readonly string[],
  { at, types }: { readonly at: number; readonly types: readonly string[] },
): void {
  for (const [index, value] of values.entries()) {
    if (value === '') continue;
    const part = seenAt(parts, `${at}.${index + 1}`);
    part.had += 1;
    seeValue(part, value, CODED.has(types[index] ?? ''));
  }
}

function seenAt<Key>(places: Map<Key, SeenPlace>, key: Key): SeenPlace {
  const known = places.get(key);
  if (known !== undefined) return known;
  const made: SeenPlace = {
    had: 0,
    repetitions: 0,
    most: 0,
    repeats: false,
    longest: 0,
    isShort: true,
    values: new Set(),
  };
  places.set(key, made);
  return made;
}

function seeValue(seen: SeenPlace, value: string, isCoded: boolean): void {
  seen.longest = Math.max(seen.longest, Array.from(value).length);
  // HL7's null deletes, and is in no list
  if (value === '""') return;
  const isCode = isCoded && /^[\w.-]{1,20}$/.test(value);
  seen.values = isCode ? seen.values?.add(value) : undefined;
  if ((seen.values?.size ?? 0) > MOST_CODES) seen.values = undefined;
}

function fieldOf(path: string, seen: SeenPlace, of: number): SeenField {
  const [segment = '', at = ''] = path.split('-');
  const { had, most, repeats, longest, isShort } = seen;
  const isKnown = segment.startsWith('Z') || knownPath(path).known;
  const codes = isKnown ? codesOf(seen) : undefined;
  const rule: FieldRule = {
    path: hl7Path(path),
    name: fieldName('2.8', segment, Number(at)),
    required: had === of ? true : undefined,
    most: repeats ? most : undefined,
    type: undefined,
    length: isShort && codes === undefined ? longest : undefined,
    codes: codes && { called: 'its codes', has: (code) => codes.includes(code) },
    pattern: undefined,
  };
  return { path, rule: isKnown ? rule : undefined, had, of, codes };
}

/** Only coded parts are worth a line. */
function partOf(path: string, seen: SeenPlace, of: number): SeenField[] {
  const { had } = seen;
  const codes = codesOf(seen);
  if (codes === undefined || !knownPath(path).known) return [];
  const rule: FieldRule = {
    path: hl7Path(path),
    name: undefined,
    required: had === of ? true : undefined,
    most: undefined,
    type: undefined,
    length: undefined,
    codes: { called: 'its codes', has: (code) => codes.includes(code) },
    pattern: undefined,
  };
  return [{ path, rule, had, of, codes }];
}

function codesOf({ values, had }: SeenPlace): string[] | undefined {
  const isList = values !== undefined && values.size > 0 && had >= OFTEN * values.size;
  return isList ? [...values].toSorted() : undefined;
}
