import { ediPath } from '../../document/edi/edi-path.ts';
import { type GuideLoop, readGuide } from '../../document/edi/guide/guide.ts';
import {
  type EdifactFormat,
  type ElementDemand,
  edifactFormat,
} from '../../document/edi/profile/edifact-profile.ts';
import { nameCode, type SegmentPath } from '../../document/segment/segment-path.ts';
import { isEngineError } from '../../error/engine-error.ts';
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

const KEYS = ['title', 'comment', 'edifact', 'structure', 'elements', 'tables', 'rules'];
const ELEMENT_KEYS = [
  'name',
  'required',
  'most',
  'format',
  'codes',
  'table',
  'lookup',
  'pattern',
  'comment',
];

/** A profile of an EDIFACT message. Reports every problem; use the result only if there was none. */
export function readEdifactProfile(
  name: string,
  given: Given,
  lookups: ProfileLookups,
): Omit<Profile, 'lookups'> {
  given.block('A profile of EDIFACT', KEYS);
  const [message = '', version] = messageOf(given.at('edifact'));
  const written = given.at('structure');
  const structure = written.isAbsent ? undefined : structureOf(written);
  const known: Known = { tables: tablesOf(given.at('tables')), lookups, structure };
  const elements = entries(given.at('elements'), 'elements').flatMap(
    ([path, one]) => demandOf(path, one, known) ?? [],
  );
  const rules = given.at('rules').items().map(ruleOf);
  if (structure === undefined && elements.length + rules.length === 0) {
    given.wrong('A profile of EDIFACT needs a structure, elements or rules.');
  }
  return { name, edifact: { name, message, version, structure, elements }, rules };
}

/** `MEDRPT`, `MEDRPT:D.96A` */
function messageOf(given: Given): readonly (string | undefined)[] {
  const text = given.text('edifact') ?? '';
  const [, message, version] = /^([A-Z]{6})(?::(\w{1,3}\.\w{1,3}))?$/.exec(text) ?? [];
  if (text !== '' && message === undefined) {
    given.wrong('A message is written as its type, MEDRPT, or with its version, MEDRPT:D.96A.');
  }
  return [message, version];
}

const SEGMENT = /^[A-Z][A-Z\d]{2}(?:\*\d{0,5})?!?$/;
const GROUP = /^[A-Za-z]\w{0,9}(?:\*\d{0,5})?!?$/;
/** Groups are nested no deeper in the directories. */
const DEEPEST = 12;

/** The segments and groups in their order, in the notation of guides. */
function structureOf(given: Given): GuideLoop | undefined {
  const lines: string[] = [];
  const isSound = linesOf(given, { depth: 0, lines });
  return isSound ? readGuide(lines.join('\n')) : undefined;
}

interface Reading {
  readonly depth: number;
  readonly lines: string[];
}

/** Adds the lines of a list; false if something in it is wrong. */
function linesOf(given: Given, { depth, lines }: Reading, from = 0): boolean {
  const indent = ' '.repeat(depth);
  const read = given
    .items()
    .slice(from)
    .map((one) => {
      if (typeof one.value !== 'string') return groupOf(one, { depth, lines });
      const isSegment = SEGMENT.test(one.value);
      if (!isSegment) {
        one.wrong(
          `${one.value} is no segment: write three capitals or digits, * and how often it may occur, ! if it is required, such as DTM*9!.`,
        );
      }
      lines.push(`${indent}- ${one.value}`);
      return isSegment;
    });
  return !read.includes(false);
}

/** `{ SG1*9!: [NAD!, CTA] }`: the first segment begins the group. */
function groupOf(given: Given, { depth, lines }: Reading): boolean {
  const [named, ...others] = entries(given, 'A group');
  const [head, list] = named ?? ['', given];
  const begin = list.items()[0]?.value;
  const problem =
    others.length > 0
      ? 'A group has one name: write each as an item of its own.'
      : groupProblem(head, begin, depth);
  if (problem !== undefined) given.wrong(problem);
  lines.push(`${' '.repeat(depth)}${head} ${String(begin)}`);
  return problem === undefined && linesOf(list, { depth: depth + 1, lines }, 1);
}

function groupProblem(head: string, begin: unknown, depth: number): string | undefined {
  if (depth >= DEEPEST) return `Groups may be nested ${DEEPEST} deep.`;
  if (!GROUP.test(head)) {
    return `${head} is no group: write its name, * and how often it may occur, ! if it is required, such as SG1*9!.`;
  }
  const isSegment = typeof begin === 'string' && SEGMENT.test(begin);
  return isSegment
    ? undefined
    : `The group ${head} must begin with the segment by which it is known.`;
}

interface Known extends KnownTables {
  readonly structure: GuideLoop | undefined;
}

function demandOf(text: string, given: Given, known: Known): ElementDemand | undefined {
  const path = pathOf(text, given, known);
  given.block(`The element ${text}`, ELEMENT_KEYS);
  if (path === undefined) return undefined;
  const name = given.at('name');
  const required = flagOf(given.at('required'), 'required') ?? false;
  const most = numberOf(given.at('most'), 'most');
  if (required && most === 0) given.wrong(`${text} cannot be required and have at most 0.`);
  if (most !== undefined && most > 0 && path.component > 0) {
    given.at('most').wrong('Only an element has repetitions; a component may have most: 0.');
  }
  return {
    path,
    name: name.isAbsent ? undefined : name.text('name'),
    required,
    most,
    format: formatOf(given.at('format')),
    codes: codeListOf(given, known),
    pattern: patternOf(given.at('pattern')),
  };
}

function pathOf(text: string, given: Given, { structure }: Known): SegmentPath | undefined {
  try {
    const path = ediPath(text);
    const problem = placeProblem(path, structure);
    if (problem === undefined) return path;
    given.wrong(problem);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    given.wrong(error.message);
  }
  return undefined;
}

/** What is around messages, and what begins and ends each, without being in a structure. */
const AROUND: ReadonlySet<string> = new Set(['UNA', 'UNB', 'UNG', 'UNE', 'UNZ']);
const OWN: ReadonlySet<string> = new Set(['UNH', 'UNT']);

function placeProblem(path: SegmentPath, structure: GuideLoop | undefined): string | undefined {
  if (path.loops.length > 0)
    return 'A demand is about every segment of its name: write it without groups.';
  if (path.field === 0)
    return `${path.text} is a segment: write it under structure, or an element such as ${path.segment}-1.`;
  if (path.index !== 0 || path.repetition !== 0) {
    return 'A demand is about every segment and repetition: write it without numbers in brackets.';
  }
  if (AROUND.has(path.segment))
    return `${path.segment} is around the messages, and no profile is about it: write a rule of the router.`;
  const isThere =
    structure === undefined || OWN.has(path.segment) || structure.all.has(nameCode(path.segment));
  return isThere ? undefined : `${path.segment} is not in the structure of this profile.`;
}

function formatOf(given: Given): EdifactFormat | undefined {
  if (given.isAbsent) return undefined;
  const text = given.text('format');
  const format = text === undefined ? undefined : edifactFormat(text);
  if (text !== undefined && format === undefined) {
    given.wrong('A format is written as in the directories: an..35, n8 or a3.');
  }
  return format;
}
