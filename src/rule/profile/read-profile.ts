import { hl7Dictionary } from '../../document/hl7/dictionary/dictionary.ts';
import { knownPath } from '../../document/hl7/dictionary/known-path.ts';
import { type Hl7Path, hl7Path } from '../../document/hl7/path.ts';
import type { CodeList, FieldRule, SegmentRule } from '../../document/hl7/profile/profile.ts';
import { pattern, patternProblem } from '../../document/text/pattern.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import type { Given } from '../../expression/given.ts';
import type { LookupTables } from '../../lookup/lookup-tables.ts';
import type { Profile, ProfileRule } from './profile.ts';

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
const RULE_KEYS = ['when', 'require', 'at', 'text', 'comment'];

/** The code tables of the production. */
export interface ProfileLookups {
  readonly tables: LookupTables;
  /** What is wrong with the name of one; undefined if it exists. */
  readonly problem: (name: string) => string | undefined;
}

/** Reads a profile, as a YAML file holds it. Reports every problem; use the result only if there was none. */
export function readProfile(name: string, given: Given, lookups: ProfileLookups): Profile {
  given.block('A profile', KEYS);
  const segments = entries(given.at('segments'), 'segments').map(
    ([segment, one]) => [segment, segmentRule(segment, one)] as const,
  );
  const tables = new Map(
    entries(given.at('tables'), 'tables').map(([table, one]) => [table, codesOf(one, table)]),
  );
  const fields = entries(given.at('fields'), 'fields').flatMap(
    ([path, one]) => fieldRule(path, one, { tables, lookups, own: new Map(segments) }) ?? [],
  );
  const rules = given.at('rules').items().map(ruleOf);
  if (segments.length + fields.length + rules.length === 0) {
    given.wrong('A profile needs segments, fields or rules.');
  }
  const messages = given.at('messages').items().map(messageOf);
  return { hl7: { name, messages, segments: new Map(segments), fields }, rules };
}

const entries = (given: Given, what: string): readonly [string, Given][] =>
  given.isAbsent ? [] : (given.mapping(what) ?? []);

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

interface Known {
  readonly tables: ReadonlyMap<string, CodeList>;
  readonly lookups: ProfileLookups;
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

function codeListOf(given: Given, { tables, lookups }: Known): CodeList | undefined {
  const [codes, table, lookup] = (['codes', 'table', 'lookup'] as const).map((key) =>
    given.at(key),
  ) as [Given, Given, Given];
  const written = [codes, table, lookup].filter(({ isAbsent }) => !isAbsent);
  if (written.length > 1) given.wrong('Write one of codes, table and lookup.');
  if (!codes.isAbsent) return codesOf(codes, undefined);
  if (!table.isAbsent) return tableOf(table, tables);
  return lookup.isAbsent ? undefined : lookupOf(lookup, lookups);
}

function tableOf(given: Given, tables: Known['tables']): CodeList | undefined {
  const name = given.text('table');
  const found = name === undefined ? undefined : tables.get(name);
  if (name !== undefined && found === undefined) {
    const near = nearest(name, [...tables.keys()]);
    given.wrong(
      `There is no table ${name}. ${near === undefined ? `Add it under tables: { ${name}: [A, B] }.` : `Did you mean ${near}?`}`,
    );
  }
  return found;
}

/** What no table has for a value: it tells a missing code from one with an empty value. */
const NOTHING = '\u0000';

function lookupOf(given: Given, { tables, problem }: ProfileLookups): CodeList | undefined {
  const name = given.text('lookup');
  if (name === undefined) return undefined;
  const wrong = problem(name);
  if (wrong !== undefined) given.wrong(wrong);
  return {
    called: `lookup ${name}`,
    has: (code) => tables.lookup(name, code, NOTHING) !== NOTHING,
  };
}

function codesOf(given: Given, table: string | undefined): CodeList {
  const codes = new Set(
    given.items().map((one) => {
      // YAML reads 1 and true as values
      const { value } = one;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      return one.text('A code') ?? '';
    }),
  );
  if (codes.size === 0) given.wrong('A list of codes needs at least one.');
  const list = [...codes].slice(0, 10).join(', ');
  return {
    called: table === undefined ? `${list}${codes.size > 10 ? ', …' : ''}` : `table ${table}`,
    has: (code) => codes.has(code),
  };
}

function patternOf(given: Given): FieldRule['pattern'] {
  if (given.isAbsent) return undefined;
  const source = given.text('pattern');
  if (source === undefined) return undefined;
  // all of the value has to have the form
  const all = `^(?:${source})$`;
  const problem = patternProblem(all);
  if (problem !== undefined) {
    given.wrong(`${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`);
    return undefined;
  }
  return pattern(all);
}

function ruleOf(given: Given): ProfileRule {
  given.block('A rule of a profile', RULE_KEYS);
  const require = given.at('require');
  const at = given.at('at');
  return {
    when: given.at('when').condition(),
    require: require.isAbsent ? undefined : require.expression('require', 'bool'),
    at: at.isAbsent ? undefined : at.text('at'),
    text: textOf(given, require.isAbsent),
  };
}

function textOf(given: Given, isBare: boolean): string {
  if (isBare) given.wrong('A rule of a profile needs require: an expression that must be true.');
  return given.at('text').text('The text of a rule, which says what is wrong,') ?? '';
}

function flagOf(given: Given, key: string): boolean | undefined {
  return given.isAbsent ? undefined : given.flag(key);
}

function numberOf(given: Given, key: string): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100_000) {
    return Number(value);
  }
  given.wrong(`${key} must be a whole number.`);
  return undefined;
}
