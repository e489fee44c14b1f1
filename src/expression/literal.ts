import { isEdiCheckLevel } from '../document/edi/check/finding.ts';
import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { isFhirVersion } from '../document/fhir/definitions/definition-file.ts';
import { fhirPathProblem } from '../document/fhir/path/fhir-path.ts';
import { patternProblem } from '../document/text/pattern.ts';
import { nearest } from '../error/nearest.ts';
import { isZone } from '../time/zone.ts';
import { datePatternProblem } from './date-pattern.ts';
import { TOKEN_METHODS } from './jwt-name.ts';
import { pathProblem, segmentPathProblem } from './path-problem.ts';
import type { Call } from './syntax-tree.ts';
import { literalText } from './syntax-tree.ts';
import { timeSpan } from './time-span.ts';

type Check = (text: string) => string | undefined;

/** A literal argument whose text is checked: its position, and how it is checked. */
interface LiteralCheck {
  readonly position: number;
  readonly check: Check;
}

const path: LiteralCheck = { position: 0, check: (text) => pathProblem(text) };

const segmentPath: LiteralCheck = { position: 0, check: segmentPathProblem };

const segment: LiteralCheck = {
  position: 0,
  check: (name) =>
    /^\w{2,3}$/.test(name)
      ? segmentPathProblem(name)
      : 'It takes the name of a segment, such as "OBX". For values, use fields().',
};

const pattern: LiteralCheck = {
  position: 1,
  check: (text) => {
    const problem = patternProblem(text);
    return problem === undefined ? undefined : `${problem.replace(/^a/, 'The')}.`;
  },
};

const zone = (position: number): LiteralCheck => ({
  position,
  check: (name) =>
    isZone(name)
      ? undefined
      : 'There is no such time zone. Write UTC, or a name such as Europe/Berlin.',
});

const pointer: LiteralCheck = {
  position: 0,
  check: (text) => (text === '' ? undefined : pathProblem(text, 'json')),
};

const xpath: LiteralCheck = { position: 0, check: (text) => pathProblem(text, 'xml') };

const datePattern: LiteralCheck = {
  position: 1,
  check: (text) => {
    const problem = datePatternProblem(text);
    return problem === undefined ? undefined : `${problem.replace(/^a/, 'A')}.`;
  },
};

const span: LiteralCheck = {
  position: 1,
  check: (text) =>
    timeSpan(text) === undefined ? 'A span of the day must be written as 22:00-06:00.' : undefined,
};

const ediLevel: LiteralCheck = {
  position: 0,
  check: (text) => (isEdiCheckLevel(text) ? undefined : 'The check is envelope, syntax or guide.'),
};

const fhirPath: LiteralCheck = { position: 0, check: fhirPathProblem };

const fhirVersion = (position: number): LiteralCheck => ({
  position,
  check: (text) => (isFhirVersion(text) ? undefined : 'The version is R4, R4B or R5.'),
});

const FUNCTIONS: Readonly<Record<string, readonly LiteralCheck[]>> = {
  field: [path],
  fields: [path],
  has: [path],
  segments: [segment],
  following: [segment],
  json: [pointer],
  xpath: [xpath],
  firstMatch: [pattern],
  replaceMatches: [pattern],
  format: [datePattern, zone(2)],
  hl7Time: [zone(1)],
  within: [span],
  ediErrors: [ediLevel],
  fhirErrors: [fhirVersion(0)],
  fhirpath: [fhirPath, fhirVersion(1)],
};

const METHODS: Readonly<Record<string, readonly LiteralCheck[]>> = {
  field: [segmentPath],
  fields: [segmentPath],
  has: [segmentPath],
  following: [segment],
  matches: [{ ...pattern, position: 0 }],
};

/** A problem of one argument of a call. */
export interface LiteralProblem {
  readonly position: number;
  readonly text: string;
}

/** What the production knows of the names in literals. */
export interface NamesInLiterals {
  /** The code tables. */
  readonly tables: readonly string[];
  readonly edifact: FindEdifactProfile;
  /** What is wrong with the name of a key for tokens. */
  readonly keyProblem: Check;
}

/** What is wrong with the literals of a call: paths, tables, keys, patterns, zones. */
export function literalProblems(
  call: Call,
  { tables, edifact, keyProblem }: NamesInLiterals,
): LiteralProblem[] {
  const checks = (call.method ? METHODS : FUNCTIONS)[call.name] ?? [];
  const lookup: readonly LiteralCheck[] =
    call.name === 'lookup' && !call.method ? [{ position: 0, check: tableCheck(tables) }] : [];
  const profile: readonly LiteralCheck[] =
    call.name === 'ediErrors' && !call.method
      ? [{ position: 1, check: profileCheck(edifact) }]
      : [];
  const key: readonly LiteralCheck[] =
    TOKEN_METHODS.has(call.name) && call.method ? [{ position: 0, check: keyProblem }] : [];
  return [...checks, ...lookup, ...profile, ...key].flatMap(({ position, check }) => {
    const literal = literalText(call.given[position]);
    const text = literal === undefined ? undefined : check(literal);
    return text === undefined ? [] : [{ position, text }];
  });
}

function profileCheck(edifact: FindEdifactProfile): Check {
  return (name) => {
    const found = edifact(name);
    return typeof found === 'string' ? found.charAt(0).toUpperCase() + found.slice(1) : undefined;
  };
}

function tableCheck(tables: readonly string[]): Check {
  return (name) => {
    if (tables.includes(name)) return undefined;
    const near = nearest(name, tables);
    const hint = near === undefined ? 'Name it under lookups.' : `Did you mean ${near}?`;
    return `There is no lookup table ${name}. ${hint}`;
  };
}
