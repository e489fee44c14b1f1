import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { hl7Document, type ValidationLevel } from '../../src/document/index.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { Given } from '../../src/expression/given.ts';
import { type Profile, profileProblem } from '../../src/rule/profile/profile.ts';
import { readProfile } from '../../src/rule/profile/read-profile.ts';
import { hl7 } from '../support/hl7-corpus.ts';
import { envelope, environment } from '../support/subject-message.ts';

const WARDS: Readonly<Record<string, string>> = { S3: 'Surgery 3', 'A&E': '' };

const unknownTable = (name: string): string | undefined =>
  name === 'wards' ? undefined : `There is no lookup ${name}.`;

function read(text: string): { readonly problems: string[]; readonly profile: Profile } {
  const problems: string[] = [];
  const given = new Given(parse(text), [], {
    environment,
    problem: (path, wrong) => problems.push(`${path.join('.')}: ${wrong}`),
    unknown: () => undefined,
  });
  const tables = {
    names: ['wards'],
    lookup(_: string, key: string, otherwise = '') {
      if (key === 'AWAY') throw new EngineError('LOOKUP_UNAVAILABLE', 'wards has no rows yet');
      return Object.hasOwn(WARDS, key) ? (WARDS[key] ?? '') : otherwise;
    },
  };
  return { profile: readProfile('house', given, { tables, problem: unknownTable }), problems };
}

const MSH = 'MSH|^~\\&|PAS|H|WB|H|20260115090000||ADT^A01^ADT_A01|M1|P|2.5.1';
const EVN = 'EVN||20260115';
const PID = 'PID|1||4711^^^H^MR~0815^^^H^PI||Doe^Jane||19700101|F';
const PV1 = 'PV1|1|I|S3^12';
const GOOD = [MSH, EVN, PID, 'ZPI|A1|20301231', PV1];

function problemOf(
  text: string,
  lines: readonly string[],
  level: ValidationLevel = 'none',
): string | undefined {
  const { profile, problems } = read(text);
  expect(problems).toEqual([]);
  const document = hl7Document(hl7(...lines));
  const message = envelope({ type: 'HL7v2:ADT_A01:2.5.1' });
  return profileProblem([profile], { message, document: () => document }, level);
}

const without = (name: string): string[] => GOOD.filter((line) => !line.startsWith(name));
const withLine = (line: string): string[] =>
  GOOD.map((one) => (one.startsWith(line.slice(0, 3)) ? line : one));

test.for<[what: string, profile: string, lines: readonly string[], problem: string | undefined]>([
  [
    'a segment is missing',
    'segments: { ZPI: { required: true } }',
    without('ZPI'),
    'ZPI is missing',
  ],
  [
    'a segment that must not be there',
    'segments: { ZPI: { most: 0 } }',
    GOOD,
    'ZPI must not be there',
  ],
  [
    'too many of a segment',
    'segments: { ZPI: { most: 1 } }',
    [...GOOD, 'ZPI|A2'],
    'ZPI occurs 2 times, at most 1 is allowed',
  ],
  [
    'a segment after its like',
    'segments: { ZPI: { after: PID } }',
    withLine('ZPI|1').flatMap((one) => (one === 'ZPI|1' ? [one, 'ZPI|2'] : [one])),
    undefined,
  ],
  [
    'a segment elsewhere',
    'segments: { ZPI: { after: [PID, PD1] } }',
    [...GOOD, 'ZPI|A2'],
    'ZPI[2] does not follow PID or PD1',
  ],
  [
    'a field is missing',
    'fields: { PID-10: { required: true } }',
    GOOD,
    'PID-10 (Race) is missing',
  ],
  [
    'a part is missing in one repetition',
    'fields: { PID-3.5: { required: true } }',
    withLine('PID|1||4711^^^H^MR~0815^^^H'),
    'PID-3.5 is missing',
  ],
  ['parts of a field that is empty', 'fields: { PID-18.1: { required: true } }', GOOD, undefined],
  [
    'too many repetitions',
    'fields: { PID-3: { most: 1 } }',
    GOOD,
    'PID-3 (Patient Identifier List) occurs 2 times, at most 1 is allowed',
  ],
  [
    'a field that must be empty',
    'fields: { PID-8: { most: 0 } }',
    GOOD,
    'PID-8 (Administrative Sex) must be empty',
  ],
  ['a part that must be empty', 'fields: { PID-5.2: { most: 0 } }', GOOD, 'PID-5.2 must be empty'],
  [
    'a long value',
    'fields: { PID-5.1: { length: 2 } }',
    GOOD,
    'PID-5.1 is longer than 2 characters',
  ],
  [
    'a code that is not listed',
    'fields: { PID-8: { codes: [M, X] } }',
    GOOD,
    'PID-8 (Administrative Sex) is not in M, X',
  ],
  [
    'a code of a table',
    'tables: { sex: [F, 1] }\nfields: { PID-8: { table: sex } }',
    GOOD,
    undefined,
  ],
  [
    'a code that is not in a table',
    'tables: { sex: [1, 2] }\nfields: { PID-8: { table: sex } }',
    GOOD,
    'PID-8 (Administrative Sex) is not in table sex',
  ],
  [
    'what deletes is in no table and has no form',
    'fields: { PID-8: { codes: [M], pattern: M } }',
    withLine('PID|1||4711||||||""'),
    undefined,
  ],
  [
    'a code of a lookup, its first part, escaped',
    'fields: { PV1-3: { lookup: wards } }',
    withLine('PV1|1|I|A\\T\\E^12'),
    undefined,
  ],
  [
    'a code that a lookup lacks',
    'fields: { PV1-3.1: { lookup: wards } }',
    withLine('PV1|1|I|S9^12'),
    'PV1-3.1 is not in lookup wards',
  ],
  ['a form', 'fields: { PID-3.1: { pattern: "[0-9]{4}" } }', GOOD, undefined],
  [
    'a form of all of the value',
    'fields: { PID-3.1: { pattern: "[0-9]{3}" } }',
    GOOD,
    'PID-3.1 does not have the right form',
  ],
  [
    'a type of their own',
    'fields: { ZPI-2: { name: Until, type: DT } }',
    withLine('ZPI|A1|soon'),
    'ZPI-2 (Until) is not a valid DT',
  ],
  [
    'a type with parts',
    'fields: { ZPI-3: { name: Doctor, type: CX } }',
    withLine('ZPI|A1||1^^^^^^soon'),
    'ZPI-3 (Doctor), part 7 (Effective Date), is not a valid DT',
  ],
  [
    'a rule',
    'rules: [{ when: field("PV1-2") == "I", require: has("PV1-19"), at: PV1-19, text: an inpatient has no number. }]',
    GOOD,
    'PV1-19: an inpatient has no number',
  ],
  [
    'a rule for others',
    'rules: [{ when: field("PV1-2") == "O", require: has("PV1-19"), text: no }]',
    GOOD,
    undefined,
  ],
  [
    'another message',
    'messages: [ORU, ADT_A08]\nsegments: { ZZZ: { required: true } }',
    GOOD,
    undefined,
  ],
  [
    'the event',
    'messages: [ADT_A01]\nsegments: { ZZZ: { required: true } }',
    GOOD,
    'ZZZ is missing',
  ],
])('%s', ([, profile, lines, problem]) => {
  const found = problemOf(profile, lines);
  expect(found?.replace(/( \(profile house\))?\.$/, '')).toBe(problem);
});

test.for<
  [what: string, profile: string, lines: readonly string[], level: ValidationLevel, before: string]
>([
  [
    'a segment may be missing',
    'segments: { EVN: { required: false } }',
    without('EVN'),
    'structure',
    'EVN is missing; ADT_A01 requires it.',
  ],
  [
    'a segment may be elsewhere',
    'segments: { NK1: { anywhere: true } }',
    [...GOOD, 'NK1|1', 'PV2|', 'NK1|2'],
    'structure',
    'NK1 is not expected',
  ],
  [
    'a segment of nobody',
    'segments: { XAB: { most: 2 } }',
    [...GOOD, 'XAB|1'],
    'structure',
    'XAB is not a segment of HL7 2.5.1.',
  ],
  [
    'a field may be missing',
    'fields: { PV1-2: { required: false } }',
    withLine('PV1|1||S3'),
    'full',
    'PV1-2 (Patient Class) is missing.',
  ],
  [
    'a field has another type',
    'fields: { PID-7: { type: ST } }',
    withLine('PID|1||4711||Doe^Jane||seventies|F'),
    'full',
    'PID-7 (Date/Time of Birth) is not a valid TS.',
  ],
])('permits what HL7 does not: %s', ([, profile, lines, level, before]) => {
  const any = 'segments: { ZZ9: { most: 9 } }';
  expect(problemOf(any, lines, level)).toContain(before);
  expect(problemOf(profile, lines, level)).toBeUndefined();
  // for other messages HL7 stays as it is
  expect(problemOf(`messages: [ORU]\n${profile}`, lines, level)).toContain(before);
});

test('what it finds names the profile', () => {
  expect(problemOf('segments: { ZZZ: { required: true } }', GOOD)).toBe(
    'ZZZ is missing (profile house).',
  );
});

test('a lookup that cannot be asked is a failure for now, and not a code that it lacks', () => {
  expect(() =>
    problemOf('fields: { PV1-3.1: { lookup: wards } }', withLine('PV1|1|I|AWAY')),
  ).toThrow('wards has no rows yet');
});

test.for<[profile: string, problem: string]>([
  ['title: nothing', ': A profile needs segments, fields or rules.'],
  ['segment: { ZPI: {} }', 'segment: A profile has no segment. Did you mean segments?'],
  [
    'segments: { zpi: {} }',
    'segments.zpi: zpi is not the name of a segment: three capitals or digits, such as ZPI.',
  ],
  [
    'fields: { PID-99: { required: true } }',
    'fields.PID-99: PID-99: PID has 39 fields in HL7 2.5.1.',
  ],
  [
    'fields: { PID: { required: true } }',
    'fields.PID: PID is a segment: write it under segments, or a field such as PID-1.',
  ],
  [
    'fields: { "PID-3[2]": { required: true } }',
    'fields.PID-3[2]: A rule is about every segment and repetition: write it without numbers in brackets.',
  ],
  [
    'fields: { PID-3.1: { most: 2 } }',
    'fields.PID-3.1.most: Only a field has repetitions; a part of one may have most: 0.',
  ],
  [
    'fields: { ZPI-1: { type: DTT } }',
    'fields.ZPI-1.type: There is no data type DTT. Did you mean DT?',
  ],
  [
    'fields: { PID-8: { table: sx } }\ntables: { sex: [M] }',
    'fields.PID-8.table: There is no table sx. Did you mean sex?',
  ],
  ['fields: { PID-8: { lookup: sex } }', 'fields.PID-8.lookup: There is no lookup sex.'],
  ['fields: { PID-8: { codes: [] } }', 'fields.PID-8.codes: A list of codes needs at least one.'],
  [
    'fields: { PID-8: { codes: M, lookup: wards } }',
    'fields.PID-8: Write one of codes, table and lookup.',
  ],
  ['fields: { PID-8: { pattern: "(" } }', 'fields.PID-8.pattern: '],
  [
    'fields: { PID-8: { required: true, most: 0 } }',
    'fields.PID-8: PID-8 cannot be required and have at most 0.',
  ],
  [
    'rules: [{ text: no }]',
    'rules.0: A rule of a profile needs require: an expression that must be true.',
  ],
  [
    'rules: [{ require: "true" }]',
    'rules.0.text: The text of a rule, which says what is wrong, must be a text.',
  ],
  [
    'messages: [ADT^A01]\nsegments: { ZPI: {} }',
    'messages.0: A message is written as its type and event, ADT_A01, or as its type for every event.',
  ],
])('%s is told', ([profile, problem]) => {
  expect(read(profile).problems.join('\n')).toContain(problem);
});
