import { hl7Batch } from '../../document/hl7/batch.ts';
import {
  type FieldDefinition,
  fieldName,
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
} from '../../document/hl7/dictionary/dictionary.ts';
import { knownPath } from '../../document/hl7/dictionary/known-path.ts';
import { type Hl7Document, hl7Document } from '../../document/hl7/hl7-document.ts';
import { hl7Path } from '../../document/hl7/path.ts';
import type { FieldRule, Hl7Profile, SegmentRule } from '../../document/hl7/profile/profile.ts';
import { validate } from '../../document/hl7/validation/validate.ts';
import type { Line } from '../../document/segment/line.ts';
import { partsOf } from '../../document/segment/part.ts';
import { EngineError } from '../../error/engine-error.ts';

/** How many messages of the samples are looked at. */
export const MESSAGES = 1_000;
/** A segment of one's own that follows more than these stands anywhere. */
const MOST_BEFORE = 5;
const FREE = { required: false, most: undefined, after: [], anywhere: false };

interface SeenSegment {
  /** The messages that have it, and the most of it in one. */
  messages: number;
  most: number;
  /** What it follows, others of its own name apart. */
  readonly before: Set<string>;
}

/**
 * A first profile of HL7 v2 messages, as YAML: the segments and fields that they had, how often, how long, and the codes of coded
 * ones, each with the number of samples that it rests on. All samples satisfy it. Throws for samples of several kinds of messages,
 * and of none.
 */
export function sampleHl7Profile(samples: readonly Uint8Array[]): string {
  const given = samples.flatMap(messagesIn);
  const documents = given.slice(0, MESSAGES);
  const events = eventsOf(documents);
  const segments = segmentsIn(documents);
  const seen = new SampleFields();
  for (const document of documents) seen.see(document);
  const missing = missingIn(documents);
  const rules = [...segments].map(([name, one]) => [name, ruleFor(name, one, documents)] as const);
  const fields = seen.fields().map((one) => freed(one, missing.fields));
  const rest = [...missing.fields].filter((path) => !fields.some((one) => one.path === path));
  const absent = [...missing.segments].filter((name) => !segments.has(name));
  const profile: Hl7Profile = {
    name: 'sample',
    messages: events,
    segments: new Map([
      ...rules.map(
        ([name, rule]) =>
          [name, missing.segments.has(name) ? { ...rule, required: false } : rule] as const,
      ),
      ...absent.map((name) => [name, FREE] as const),
    ]),
    fields: [...fields.flatMap(({ rule }) => rule ?? []), ...rest.map(freeField)],
  };
  return [
    `# Made from ${lookedAt(documents.length, given.length)}: a beginning. It demands what all of them have and allows what one of them has; behind each line`,
    '# is how many of the messages, or of the segments, had it. Compare counts, lengths and codes with the guide: what rests on few is a guess.',
    ...stillWrong(documents, profile),
    `messages: [${events.join(', ')}]`,
    'segments:',
    ...[...profile.segments].map(
      ([name, rule]) =>
        `  ${name}: ${segmentText(rule)} # ${segments.get(name)?.messages ?? 0} of ${documents.length}`,
    ),
    ...(profile.fields.length === 0 ? [] : ['fields:']),
    ...fields.map((one) => `  ${fieldText(one)}`),
    ...rest.map((path) => `  ${path}: { required: false } # HL7 requires it, no message has it`),
    '',
  ].join('\n');
}

/** What HL7 requires, and messages do without. */
function freed(seen: SeenField, missing: ReadonlySet<string>): SeenField {
  const { path, rule } = seen;
  if (rule === undefined || rule.required === true || !missing.has(path)) return seen;
  return { ...seen, rule: { ...rule, required: false } };
}

/** Of how many messages a profile is made, and that there were more. */
export function lookedAt(count: number, given: number): string {
  if (count < given)
    return `the first ${count} of ${given} messages (the others were not looked at)`;
  return count === 1 ? 'one message' : `${count} messages`;
}

function messagesIn(bytes: Uint8Array): Hl7Document[] {
  return hl7Batch(bytes).messages.map((one) => hl7Document(one));
}

/** Throws for messages of several types, which have little in common, and for none. */
function eventsOf(documents: readonly Hl7Document[]): string[] {
  const types = new Set(documents.map((one) => one.get('MSH-9.1').trim()));
  const [type = ''] = types;
  if (!/^[A-Z\d]{3}$/.test(type)) {
    throw new EngineError('QUERY_INVALID', 'the samples have no message with its type in MSH-9');
  }
  if (types.size > 1) {
    throw new EngineError(
      'QUERY_INVALID',
      `a profile is about one kind of message, but the samples have ${[...types].join(', ')}. Give those of one`,
    );
  }
  const events = new Set(documents.map((one) => one.get('MSH-9.2').trim()));
  const isKnown = [...events].every((one) => /^[A-Z\d]{2,3}$/.test(one));
  return isKnown ? [...events].toSorted().map((one) => `${type}_${one}`) : [type];
}

function segmentsIn(documents: readonly Hl7Document[]): Map<string, SeenSegment> {
  const found = new Map<string, SeenSegment>();
  for (const document of documents) {
    const counts = new Map<string, number>();
    let [before, last] = ['', ''];
    for (const name of namesIn(document)) {
      if (name !== last) before = last;
      last = name;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const seen = found.get(name) ?? { messages: 0, most: 0, before: new Set() };
      found.set(name, seen);
      seen.before.add(before);
    }
    for (const [name, count] of counts) {
      const seen = found.get(name);
      if (seen === undefined) continue;
      seen.messages += 1;
      seen.most = Math.max(seen.most, count);
    }
  }
  found.delete('MSH');
  return found;
}

const SEGMENT = /^[A-Z][A-Z\d]{2}$/;

function namesIn(document: Hl7Document): string[] {
  return document
    .lines()
    .filter(({ code }) => code !== 0)
    .map(({ text }) => text.slice(0, 3))
    .filter((name) => SEGMENT.test(name));
}

/** Only of segments of one's own is the place said: HL7 says that of the others. */
function ruleFor(
  name: string,
  { messages, most, before }: SeenSegment,
  documents: readonly Hl7Document[],
): SegmentRule {
  const isOwn = name.startsWith('Z');
  const after = isOwn && before.size <= MOST_BEFORE ? [...before].toSorted() : [];
  return {
    required: messages === documents.length ? true : undefined,
    most,
    after,
    anywhere: isOwn,
  };
}

function segmentText({ required, most, after, anywhere }: SegmentRule): string {
  const parts = [
    ...(required === undefined ? [] : [`required: ${required}`]),
    ...(most === undefined ? [] : [`most: ${most}`]),
    ...(after.length > 0 ? [`after: [${after.join(', ')}]`] : []),
    ...(anywhere && after.length === 0 ? ['anywhere: true'] : []),
  ];
  return `{ ${parts.join(', ')} }`;
}

function fieldText({ path, rule, had, of, codes }: SeenField): string {
  if (rule === undefined)
    return `# ${path}: HL7 has no such field; give it a type # ${had} of ${of}`;
  const parts = [
    ...(rule.required === undefined ? [] : [`required: ${rule.required}`]),
    ...(rule.most === undefined ? [] : [`most: ${rule.most}`]),
    ...(rule.length === undefined ? [] : [`length: ${rule.length}`]),
    ...(codes === undefined ? [] : [`codes: [${codes.map(written).join(', ')}]`]),
  ];
  const note = `${had} of ${of}${rule.name === undefined ? '' : `, ${rule.name}`}`;
  return parts.length === 0 ? `# ${path}: ${note}` : `${path}: { ${parts.join(', ')} } # ${note}`;
}

/** YAML takes some words for other things than text: NO, 12, 1E5. */
const written = (code: string): string =>
  /^(?!(?:Y|N|YES|NO|ON|OFF|TRUE|FALSE|NULL)$)[A-Z]\w*$/i.test(code) ? code : JSON.stringify(code);

interface Missing {
  readonly segments: ReadonlySet<string>;
  readonly fields: ReadonlySet<string>;
}

/** What HL7 requires and a message does not have, so that the profile can be used with `validate` as well. */
function missingIn(documents: readonly Hl7Document[]): Missing {
  const segments = new Set<string>();
  const fields = new Set<string>();
  for (const document of documents) {
    for (const { severity, code, segment, field, text } of validate(document, 'full')) {
      if (severity !== 'error' || !SEGMENT.test(segment) || segment === 'MSH') continue;
      if (code === '101' && field !== undefined) fields.add(`${segment}-${field}`);
      if (field === undefined && text.startsWith(`${segment} is missing`)) segments.add(segment);
    }
  }
  return { segments, fields };
}

const freeField = (text: string): FieldRule => ({
  path: hl7Path(text),
  name: undefined,
  required: false,
  most: undefined,
  type: undefined,
  length: undefined,
  codes: undefined,
  pattern: undefined,
});

/** What HL7 itself has against the samples, for whoever sets `validate` as well. */
function stillWrong(documents: readonly Hl7Document[], profile: Hl7Profile): string[] {
  const wrong = documents.flatMap((one) => {
    const version = one.get('MSH-12.1').trim();
    if (!HL7_VERSIONS.some((known) => known === version)) return ['its version is not known.'];
    const found = validate(one, 'full', { profile }).find(({ severity }) => severity === 'error');
    return found === undefined ? [] : [found.text];
  });
  const [first] = wrong;
  return first === undefined
    ? []
    : [
        `# With validate: full ${wrong.length} of ${documents.length} fail by HL7 itself, the first one: ${first}`,
      ];
}

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
interface SeenField {
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

interface SeenFields {
  count: number;
  readonly fields: Map<number, SeenPlace>;
  /** By field and component. */
  readonly parts: Map<string, SeenPlace>;
}

/** Collects what fields of HL7 segments are like. */
class SampleFields {
  readonly #segments = new Map<string, SeenFields>();

  see(document: Hl7Document): void {
    const version = document.get('MSH-12.1').trim();
    const dictionary = hl7Dictionary(version) ?? hl7Dictionary('2.5.1');
    for (const line of document.lines()) {
      const name = line.text.slice(0, 3);
      if (line.code === 0 || name === 'MSH' || !SEGMENT.test(name)) continue;
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

function seeSegment({ fields, parts }: SeenFields, place: Place): void {
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
  for (const one of repetitions) {
    // a document in a field may have a hundred million
    if (seen.isShort) seen.longest = Math.max(seen.longest, Array.from(one).length);
    seeValue(seen, one, CODED.has(definition?.type ?? ''));
  }
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
