import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { adapterCatalogue } from '../../adapters/index.ts';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { ediAcknowledgement } from '../../src/document/edi/acknowledge/acknowledge.ts';
import { readEdiAcknowledgement } from '../../src/document/edi/acknowledge/read-acknowledgement.ts';
import { ediFindings } from '../../src/document/edi/check/check-edi.ts';
import { GuideWalk } from '../../src/document/edi/check/guide-walk.ts';
import { ediDocument } from '../../src/document/edi/edi-document.ts';
import { expressionEnvironment } from '../../src/expression/environment.ts';
import { profileProblem } from '../../src/rule/profile/profile.ts';
import { bytesOf, REPORT, REPORT_4 } from '../support/edi-samples.ts';
import { problemsOf } from '../support/production.ts';
import { envelope } from '../support/subject-message.ts';
import { writtenProfile } from '../support/written-profile.ts';

const read = (text: string): ReturnType<typeof writtenProfile> => writtenProfile(text, 'lab');

const LAB = `
edifact: MEDRPT:D.96A
structure:
  - BGM!
  - DTM*2!
  - SG1*2: [NAD!, CTA]
  - SG2*9!:
      - PNA!
      - SG3*99:
          - INV!
          - RSL
          - FTX*2
elements:
  BGM-1: { required: true, codes: [LRP], name: Document }
  DTM-1.1: { required: true, format: an..3 }
  DTM-1.2: { required: true, format: n12 }
  NAD-2.1: { required: true, pattern: '[A-Z]+\\d' }
  CTA-1: { required: true }
  RSL-2: { required: true, format: n..15 }
  PNA-5: { most: 1 }
rules:
  - { when: 'has("RSL")', require: 'has("FTX")', text: a result needs its remark }
`;

const problemOf = (body: string, text = LAB): string | undefined => {
  const { profile, problems } = read(text);
  expect(problems).toEqual([]);
  const document = ediDocument(bytesOf(body));
  const message = envelope({ type: 'EDIFACT:MEDRPT:D.96A' });
  return profileProblem([profile], { message, document: () => document }, 'none');
};

test.for<[what: string, body: string, problem: string | undefined]>([
  ['what is described', REPORT, undefined],
  ['another message', REPORT.replace('MEDRPT', 'ORDERS'), undefined],
  ['another version', REPORT_4, undefined],
  [
    'a missing segment',
    REPORT.replace("DTM+137:202603011200:203'\r\n", '').replace('UNT+12', 'UNT+11'),
    'DTM is missing, before NAD, segment 3 of its message (profile lab).',
  ],
  [
    'a missing group',
    REPORT.replace(/PNA[^]*INV\+MQ\+NA:::LOCAL'\r\nRSL\+NV\+140'\r\nFTX[^']*'\r\n/, '').replace(
      'UNT+12',
      'UNT+6',
    ),
    'Group SG2 (PNA) is missing, before UNT, segment 6 of its message (profile lab).',
  ],
  [
    'a segment that is not in it',
    REPORT.replace('FTX+SPC', 'QTY+SPC'),
    'QTY is not in this message, segment 11 of its message (profile lab).',
  ],
  [
    'a segment in a wrong place',
    REPORT.replace('FTX+SPC', 'BGM+LRP'),
    'BGM[2] is not expected here, segment 11 of its message (profile lab).',
  ],
  [
    'too many of a group',
    REPORT.replace("NAD+PO+WARD3::9'", "NAD+PO+WARD3::9'\r\nNAD+PO+WARD4::9'").replace(
      'UNT+12',
      'UNT+13',
    ),
    'NAD[3] begins group SG1 more than 2 times, segment 6 of its message (profile lab).',
  ],
  [
    'a code that is not listed, which is not quoted',
    REPORT.replace('BGM+LRP', 'BGM+XYZ'),
    'BGM-1 (Document) is not in LRP, segment 2 of its message (profile lab).',
  ],
  [
    'a component that is missing',
    REPORT.replace('DTM+137:', 'DTM+:'),
    'DTM-1.1 is missing, segment 3 of its message (profile lab).',
  ],
  [
    'a number of a wrong length',
    REPORT.replace('DTM+137:202603011200', 'DTM+137:20260301'),
    'DTM-1.2 has 8 characters, of at least 12, segment 3 of its message (profile lab).',
  ],
  [
    'what is no number',
    REPORT.replace('RSL+NV+140', 'RSL+NV+14O'),
    'RSL[2]-2 is not a number (n..15), segment 10 of its message (profile lab).',
  ],
  [
    'a form',
    REPORT.replace('LAB1::9', 'L-1::9'),
    'NAD-2.1 does not have the right form, segment 4 of its message (profile lab).',
  ],
  [
    'a rule',
    REPORT.replace(/FTX[^']*'\r\n/, '').replace('UNT+12', 'UNT+11'),
    'a result needs its remark (profile lab).',
  ],
  ['its envelope', REPORT.replace('UNT+12', 'UNT+9'), 'UNT-1 is not the actual count (12).'],
])('%s', ([, body, problem]) => {
  expect(problemOf(body)).toBe(problem);
});

test('repetitions of syntax version 4 are counted, and without a version a profile is about each', () => {
  const text = 'edifact: MEDRPT\nelements: { PNA-2: { most: 2, format: n1 } }';
  expect(problemOf(REPORT_4, text)).toBe(
    'PNA-2 occurs 3 times, at most 2 is allowed, segment 3 of its message (profile lab).',
  );
  const wrong = REPORT_4.replace('1*2*3', '1*x*3');
  expect(problemOf(wrong, text.replace('most: 2', 'most: 3'))).toBe(
    'PNA-2[2] is not a number (n1), segment 3 of its message (profile lab).',
  );
});

test('CONTRL says which segments and elements are wrong, by codes of 0085, and is read as such', () => {
  const { edifact } = read(LAB).profile;
  const wrong = REPORT.replace("DTM+137:202603011200:203'\r\n", '')
    .replace('UNT+12', 'UNT+11')
    .replace('BGM+LRP', 'BGM+XYZ')
    .replace('FTX+SPC', 'QTY+SPC')
    .replace('RSL+NV+140', 'RSL+NV+1x');
  const answering = {
    level: 'guide',
    at: 0,
    number: () => 7,
    profiles: [edifact ?? fail()],
  } as const;
  const { body, verdict } = ediAcknowledgement(ediDocument(bytesOf(wrong)), answering);
  expect(verdict).toBe('R');
  const text = Buffer.from(body ?? []).toString();
  expect(text.split("'").slice(3, -3)).toEqual([
    'UCI+REF7+LAB:14+WARD:14+7',
    'UCM+1+MEDRPT:D:96A:UN+4',
    // of the segment that is missing, the one before it
    'UCS+2',
    'UCD+12+2',
    'UCS+2+13',
    'UCS+9',
    'UCD+37+3',
    'UCS+10+15',
  ]);
  expect(ediFindings(ediDocument(body ?? new Uint8Array()), 'guide')).toEqual([]);
  expect(readEdiAcknowledgement(body ?? new Uint8Array())).toMatchObject({
    code: 'P',
    text: 'UCM 1: segment 2 element 1 12 segment 2 13 segment 9 element 2 37 segment 10 15',
  });
  const others = text.replace('UCD+12+2', 'UCD+12+2:4').replace('UCD+37+3', 'UCD+37');
  expect(readEdiAcknowledgement(Buffer.from(others))?.text).toBe(
    'UCM 1: segment 2 element 1.4 12 segment 2 13 segment 9 element ? 37 segment 10 15',
  );
  const right = ediAcknowledgement(ediDocument(bytesOf(REPORT)), answering);
  expect(right.verdict).toBe('A');
});

test('a message of which all is wrong is read no further than its findings are told', () => {
  const many = "QTY+1'".repeat(20_000);
  const body = REPORT.replace('UNT+12', `${many}UNT+20012`);
  const { edifact } = read(LAB).profile;
  const taken = vi.spyOn(GuideWalk.prototype, 'take');
  onTestFinished(() => taken.mockRestore());
  expect(ediFindings(ediDocument(bytesOf(body)), 'guide', [edifact ?? fail()])).toHaveLength(500);
  expect(taken.mock.calls.length).toBeLessThan(600);
});

test('a demand may be about the head of a message, and about nothing around it', () => {
  const text = 'edifact: MEDRPT\nelements: { UNH-2.5: { codes: [LAB10] } }';
  expect(problemOf(REPORT.replace(':UN', ':UN:LAB9'), text)).toBe(
    'UNH-2.5 is not in LAB10, segment 1 of its message (profile lab).',
  );
  expect(problemOf(REPORT.replace(':UN', ':UN:LAB10'), text)).toBeUndefined();
  expect(read(text.replace('UNH', 'UNB')).problems.join()).toContain('UNB is around the messages');
});

const fail = (): never => {
  throw new Error('there is no profile');
};

test.for<[text: string, problem: string]>([
  ['edifact: medrpt', 'A message is written as its type, MEDRPT, or with its version'],
  ['edifact: MEDRPT', 'needs a structure, elements or rules'],
  ['edifact: MEDRPT\nfields: {}', 'has no fields'],
  ['edifact: MEDRPT\nstructure: [bgm]', 'structure.0: bgm is no segment'],
  ['edifact: MEDRPT\nstructure: [{ SG1: [] }]', 'must begin with the segment'],
  ['edifact: MEDRPT\nstructure: [{ "SG 1": [NAD] }]', 'SG 1 is no group'],
  ['edifact: MEDRPT\nstructure: [{ A: [NAD], B: [CTA] }]', 'A group has one name'],
  ['edifact: MEDRPT\nstructure: [{}]', ' is no group'],
  ['edifact: MEDRPT\nelements: { BGM: {} }', 'BGM is a segment: write it under structure'],
  ['edifact: MEDRPT\nelements: { "BGM[2]-1": {} }', 'without numbers in brackets'],
  ['edifact: MEDRPT\nelements: { BGM-1: { format: x3 } }', 'as in the directories'],
  ['edifact: MEDRPT\nstructure: [BGM]\nelements: { DTM-1: {} }', 'DTM is not in the structure'],
  ['edifact: MEDRPT\nelements: { BGM-1: { table: a } }', 'There is no table a'],
])('check says what is wrong with %s', ([text, problem]) => {
  expect(read(text).problems.join('\n')).toContain(problem);
});

const PRODUCTION = `
production: lab
profiles: { lab: profile.yaml }
transforms: { answer: answer.yaml }
services: { in: { adapter: file-in, settings: { folder: /in }, to: [router, answers] } }
processes:
  router: { profile: lab, rules: [{ otherwise: send, send: out }], invalid: bad }
  answers: { rules: [{ otherwise: send, send: { to: back, transform: answer } }] }
operations:
  out: { adapter: file-out, settings: { folder: /out, name: a } }
  bad: { adapter: file-out, settings: { folder: /bad, name: a } }
  back: { adapter: file-out, settings: { folder: /back, name: a } }
`;

const DOOR = `
production: lab
profiles: { lab: profile.yaml, adt: adt.yaml, unread: unread.yaml }
services:
  in: { adapter: http-in, settings: { listen: "127.0.0.1:1", PROFILE }, to: router }
processes:
  router: { profile: lab, rules: [{ when: WHEN, send: [] }] }
`;

const DOOR_FILES = {
  'profile.yaml': `${LAB}  - { require: 'ediErrors("guide", "adt").size() == 0', text: later ones are not read yet }\n`,
  'adt.yaml': 'segments: { ZPI: { required: true } }\n',
};

test.for<[profile: string, when: string, problem: string]>([
  ['acknowledge: guide, profile: lob', 'true', 'there is no profile lob. Did you mean lab?'],
  ['acknowledge: guide, profile: [lab, adt]', 'true', '[1]: the profile adt is not about EDIFACT'],
  ['acknowledge: guide, profile: unread', 'true', 'names a profile that cannot be read'],
  ['profile: lab', 'true', 'profile: has no effect without acknowledge'],
  [
    'types: []',
    'ediErrors("guide", "lob") == []',
    'when: there is no profile lob. Did you mean lab?',
  ],
  ['types: []', 'ediErrors("guide", "adt") == []', 'when: the profile adt is not about EDIFACT'],
])('of %s and %s, check says: %s', async ([profile, when, problem]) => {
  const text = DOOR.replace('PROFILE', profile).replace('WHEN', JSON.stringify(when));
  const problems = await problemsOf(text, { adapters: adapterCatalogue, files: DOOR_FILES });
  expect(problems.join('\n')).toContain(problem);
});

test('check knows profiles of services and expressions, also in a profile that is read before the one it names', async () => {
  const text = DOOR.replace(/profiles: .*/, 'profiles: { lab: profile.yaml, later: later.yaml }')
    .replace('PROFILE', 'acknowledge: guide, profile: [lab, later]')
    .replace('WHEN', `'ediErrors("guide", "lab").size() == 0'`);
  const rule = `  - { require: 'ediErrors("guide", "later").size() == 0', text: more is wrong }\n`;
  const files = { 'profile.yaml': LAB + rule, 'later.yaml': LAB };
  expect(await problemsOf(text, { adapters: adapterCatalogue, files })).toEqual([]);
});

const labAlone = (name: string) =>
  name === 'lab' ? read(LAB).profile.edifact : 'there is no profile. Add it.';

test('ediErrors tells what a profile finds; a name that only the message gives is told when it is wrong', () => {
  const language = expressionEnvironment({
    lookups: { names: [], lookup: () => '' },
    edifact: labAlone,
  });
  const value = (source: string): unknown => {
    const compiled = language.compile(source, { result: 'any' });
    if (!compiled.ok) return compiled.problems;
    const document = ediDocument(bytesOf(REPORT.replace('BGM+LRP', 'BGM+XYZ')));
    const message = envelope({ type: 'EDIFACT:MEDRPT:D.96A' });
    return compiled.expression.evaluate({ message, document: () => document });
  };
  expect(value('ediErrors("guide")')).toEqual([]);
  expect(value('ediErrors("guide", "lab")')).toEqual([
    'BGM-1 (Document) is not in LRP, segment 2 of its message (profile lab).',
  ]);
  expect(() => value('ediErrors("guide", field("BGM-2"))')).toThrow('there is no profile. Add it.');
});

test('a router sends on what satisfies its profile, and a transform answers by it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-edifact-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = {
    'production.yaml': PRODUCTION,
    'profile.yaml': LAB,
    'answer.yaml': 'start: { acknowledge: guide, profile: lab }\nsteps: []\n',
    'good.edi': REPORT,
    'wrong.edi': REPORT.replace('BGM+LRP', 'BGM+XYZ'),
    'production.test.yaml': `cases:
  - { name: good, message: good.edi, expect: { out: {}, back: { fields: { UCI-4: "7" }, absent: [UCM] } } }
  - { name: wrong, message: wrong.edi, expect: { bad: {}, back: { fields: { UCM-3: "4", UCS-1: "2", UCD-1: "12", UCD-2.1: "2" } } } }
`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const options = { adapters: adapterCatalogue, overlays: [], secrets: () => undefined };
  const report = await testProduction(folder, options);
  const told = [...report.problems.map(describeProblem), ...describeReport(report)].join('\n');
  expect(told).toMatch(/2 passed/);
});
