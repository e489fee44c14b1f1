import { hl7Dictionary } from '../../document/hl7/dictionary/dictionary.ts';
import { knownPath } from '../../document/hl7/dictionary/known-path.ts';
import { type Hl7Path, hl7Path } from '../../document/hl7/path.ts';
import type { FieldRule, SegmentRule } from '../../document/hl7/profile/profile.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import type { Given } from '../../expression/given.ts';
import type { Profile } from './profile.ts';
import {
  codeListOf,
  entries,
  flagOf,
  type KnownTables,
  numberOf,
  type ProfileLookups,
  patternOf,
  ruleOf,
  tablesOf,
} from './profile-parts.ts';
import { readEdifactProfile } from './read-edifact-profile.ts';

const KEYS = ['title', 'comment', 'messages', 'segments', 'fields', 'tables', 'rules'];
const SEGMENT_KEYS = ['required', 'most', 'after', 'anywhere', 'comment'];
const FIELD_KEYS = [
  'name',
  'required',
  'most',
  'type',
  'length',
  'codes',
  'table',
  'lookup',
  'pattern',
  'comment',
];
/** Reads a profile, as a YAML file holds it. Reports every problem; use the result only if there was none. */
export function readProfile(name: string, given: Given, known: ProfileLookups): Profile {
  const named = new Set<string>();
  const problem: ProfileLookups['problem'] = (table) => {
    named.add(table);
    return known.problem(table);
  };
  const read = given.at('edifact').isAbsent ? readHl7Profile : readEdifactProfile;
  return { ...read(name, given, { ...known, problem }), lookups: named };
}

function readHl7Profile(
  name: string,
  given: Given,
  lookups: ProfileLookups,
): Omit<Profile, 'lookups'> {
  given.block('A profile', KEYS);
  const segments = entries(given.at('segments'), 'segments').map(
    ([segment, one]) => [segment, segmentRule(segment, one)] as const,
  );
  const tables = tablesOf(given.at('tables'));
  const fields = entries(given.at('fields'), 'fields').flatMap(
    ([path, one]) => fieldRule(path, one, { tables, lookups, own: new Map(segments) }) ?? [],
  );
  const rules = given.at('rules').items().map(ruleOf);
  if (segments.length + fields.length + rules.length === 0) {
    given.wrong('A profile needs segments, fields or rules.');
  }
  const messages = given.at('messages').items().map(messageOf);
  return { name, hl7: { name, messages, segments: new Map(segments), fields }, rules };
}

function messageOf(given: Given): string {
  const text = given.text('A message') ?? '';
  if (text !== '' && !/^[A-Z\d]{3}(?:_[A-Z\d]{2,3})?$/.test(text)) {
    given.wrong(
      'A message is written as its type and event, ADT_A01, or as its type for every event.',
    );
  }
  return text;
}

function segmentRule(segment: string, given: Given): SegmentRule {
  given.block(`The segment ${segment}`, SEGMENT_KEYS);
  checkSegment(segment, given);
  const after = given
    .at('after')
    .items()
    .map((one) => {
      const name = one.text('after') ?? '';
      if (name !== '') checkSegment(name, one);
      return name;
    });
  const required = flagOf(given.at('required'), 'required');
  const most = numberOf(given.at('most'), 'most');
  if (required === true && most === 0) {
    given.wrong(`${segment} cannot be required and have at most 0.`);
  }
  return {
    required,
    most,
    after,
    anywhere: after.length > 0 || given.at('anywhere').flag('anywhere'),
  };
}

function checkSegment(segment: string, given: Given): void {
  if (/^[A-Z][A-Z\d]{2}$/.test(segment)) return;
  given.wrong(`${segment} is not the name of a segment: three capitals or digits, such as ZPI.`);
}

interface Known extends KnownTables {
  readonly own: ReadonlyMap<string, SegmentRule>;
}

function fieldRule(text: string, given: Given, known: Known): FieldRule | undefined {
  const path = pathOf(text, given, known.own);
  given.block(`The field ${text}`, FIELD_KEYS);
  if (path === undefined) return undefined;
  const name = given.at('name');
  const required = flagOf(given.at('required'), 'required');
  const most = numberOf(given.at('most'), 'most');
  if (required === true && most === 0)
    given.wrong(`${text} cannot be required and have at most 0.`);
  if (most !== undefined && most > 0 && path.component > 0) {
    given.at('most').wrong('Only a field has repetitions; a part of one may have most: 0.');
  }
  return {
    path,
    name: name.isAbsent ? nameOf(text) : name.text('name'),
    required,
    most,
    type: typeOf(given.at('type'), path),
    length: numberOf(given.at('length'), 'length'),
    codes: codeListOf(given, known),
    pattern: patternOf(given.at('pattern')),
  };
}

function pathOf(text: string, given: Given, own: Known['own']): Hl7Path | undefined {
  try {
    const path = hl7Path(text);
    const problem = placeProblem(path) ?? unknownPlace(path, given, own);
    if (problem === undefined) return path;
    given.wrong(problem);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    given.wrong(error.message);
  }
  return undefined;
}

function placeProblem(path: Hl7Path): string | undefined {
  if (path.field === 0)
    return `${path.text} is a segment: write it under segments, or a field such as ${path.segment}-1.`;
  if (path.isWhole) return 'MSH-1 and MSH-2 are the delimiters, which are always checked.';
  return path.index !== 0 || path.repetition !== 0
    ? 'A rule is about every segment and repetition: write it without numbers in brackets.'
    : undefined;
}

/** A field that HL7 does not have is a slip, unless the site says that it is its own. */
function unknownPlace(path: Hl7Path, given: Given, own: Known['own']): string | undefined {
  const { problem } = knownPath(path.text);
  const isOwnSegment =
    own.has(path.segment) && hl7Dictionary(LATEST)?.fields(path.segment) === undefined;
  const isOwn = isOwnSegment || !given.at('type').isAbsent;
  return isOwn ? undefined : problem;
}

const LATEST = '2.8';

function nameOf(text: string): string | undefined {
  const { segment, field, component } = hl7Path(text);
  if (component > 0) return undefined;
  const name = hl7Dictionary(LATEST)?.fields(segment)?.[field - 1]?.name;
  return name === '' ? undefined : name;
}

/** Types without parts; the others are in the dictionary of some version. */
const PLAIN: readonly string[] = [
  'DT',
  'DTM',
  'FT',
  'GTS',
  'ID',
  'IS',
  'NM',
  'SI',
  'SNM',
  'ST',
  'TM',
  'TX',
];

function typeOf(given: Given, path: Hl7Path): string | undefined {
  if (given.isAbsent) return undefined;
  const type = given.text('type');
  if (type === undefined) return undefined;
  if (path.component > 0) given.wrong('Only a field has a type of its own.');
  const types = new Set([...PLAIN, 'TS']);
  const isKnown =
    types.has(type) ||
    ['2.3.1', '2.5.1', LATEST].some(
      (version) => (hl7Dictionary(version)?.components(type)?.length ?? 0) > 0,
    );
  if (!isKnown) {
    const near = nearest(type, types);
    given.wrong(
      `There is no data type ${type}. ${near === undefined ? 'Write one of HL7, such as ST, DT or CX.' : `Did you mean ${near}?`}`,
    );
  }
  return type;
}
