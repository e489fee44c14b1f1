import { expect, test } from 'vitest';
import {
  documentOf,
  hl7Document,
  type ValidationLevel,
  validate,
} from '../../../../src/document/index.ts';
import { hl7, hl7Corpus, MSH } from '../../../support/hl7-corpus.ts';

const EVN = 'EVN||20260101';
const PID = 'PID|1||123^^^H||DOE^JOHN';
const PV1 = 'PV1|1|I';
const GOOD = hl7(MSH, EVN, PID, PV1);

function found(body: Buffer, level: ValidationLevel, options = {}): string[] {
  return validate(hl7Document(body), level, options).map(
    ({ severity, code, text }) => `${severity} ${code} ${text}`,
  );
}

test.for(['none', 'structure', 'full'] as const)(
  'a correct message has no findings at %s',
  (level) => {
    expect(found(GOOD, level)).toEqual([]);
  },
);

test('nothing is checked at none, and only HL7 is checked', () => {
  expect(found(hl7('MSH|^~\\&|A'), 'none')).toEqual([]);
  const json = documentOf(Buffer.from('{}'), { type: 'application/json' });
  expect(validate(json, 'full')).toEqual([]);
});

test.for([
  [
    'no type',
    hl7('MSH|^~\\&|A|B|C|D|2026|||N1|P|2.5.1', PID),
    ['error 101 MSH-9 (Message Type) is missing.'],
  ],
  [
    'neither control id nor version',
    hl7('MSH|^~\\&|A|B|C|D|2026||ADT^A01||P', EVN, PID, PV1),
    [
      'error 101 MSH-10 (Message Control ID) is missing.',
      'error 101 MSH-12 (Version ID) is missing.',
    ],
  ],
  [
    'an unknown version',
    hl7(MSH.replace('2.5.1', '3.0'), EVN, PID, PV1),
    ['error 203 Unsupported version id 3.0.'],
  ],
  [
    'an unknown type',
    hl7(MSH.replace('ADT^A01^ADT_A01', 'XYZ^A01'), PID),
    ['error 200 Message type XYZ is not known in HL7 2.5.1.'],
  ],
  [
    'an unknown event',
    hl7(MSH.replace('ADT^A01^ADT_A01', 'ADT^A99'), PID),
    ['error 201 Event A99 of ADT is not known in HL7 2.5.1.'],
  ],
  [
    'an event of a site',
    hl7(MSH.replace('ADT^A01^ADT_A01', 'ADT^Z99'), PID),
    ['warning 200 MSH-9 is a site-defined message: the order of its segments was not checked.'],
  ],
  [
    'a required segment missing',
    hl7(MSH, EVN, PID),
    ['error 100 PV1 is missing; ADT_A01 requires it.'],
  ],
  [
    'segments in another order',
    hl7(MSH, EVN, PV1, PID),
    ['error 100 PID is not expected after PV1 in ADT_A01.'],
  ],
  [
    'a segment too many',
    hl7(MSH, EVN, PID, PV1, PV1),
    ['error 100 PV1[2] is not expected after PV1 in ADT_A01.'],
  ],
  [
    'a segment of another message',
    hl7(MSH, EVN, PID, PV1, 'MSA|AA|1'),
    ['error 100 MSA is not part of ADT_A01.'],
  ],
  [
    'an unknown segment',
    hl7(MSH, EVN, PID, PV1, 'QQQ|1'),
    ['error 100 QQQ is not a segment of HL7 2.5.1.'],
  ],
  ['segments of a site', hl7(MSH, 'ZZ1|1', EVN, 'ZZ2|1', PID, PV1, 'ZZ2|2'), []],
  [
    'a line that is none',
    hl7(MSH, EVN, PID, PV1, 'lost line'),
    ['error 100 Line 5 is not a segment.'],
  ],
  ['indentation', hl7(MSH, EVN, ` ${PID}`, PV1), ['warning 100 Line 3 is indented.']],
  [
    'blank lines',
    hl7(MSH, EVN, '', '', PID, PV1),
    ['warning 100 There are blank lines before line 5.'],
  ],
  [
    'two messages',
    hl7(MSH, EVN, PID, PV1, MSH),
    [
      'error 100 2 MSH segments in one frame.',
      'error 100 MSH[2] is not expected after PV1 in ADT_A01.',
    ],
  ],
  [
    'an unknown charset',
    hl7(`${MSH}||||||KLINGON`, EVN, PID, PV1),
    ['error 103 MSH-18 KLINGON not supported.'],
  ],
  [
    'a batch',
    hl7('BHS|^~\\&', MSH, 'BTS|1'),
    ['warning 100 A batch cannot be checked as a whole; check its messages.'],
  ],
  [
    'a group without its head',
    hl7(MSH.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01'), PID, 'OBX|1|ST|a||b||||||F'),
    ['error 100 OBR is missing in group ORDER_OBSERVATION; ORU_R01 requires it.'],
  ],
] as const)('structure: %s', ([, body, expected]) => {
  expect(found(body, 'structure')).toEqual(expected);
});

test('a structure is found by type and event, and by MSH-9.3 for an event of a site', () => {
  const a04 = hl7(MSH.replace('ADT^A01^ADT_A01', 'ADT^A04^ADT_A01'), EVN, PID, PV1);
  expect(found(a04, 'structure')).toEqual([]);
  const own = hl7(MSH.replace('ADT^A01', 'ADT^Z01'), EVN, PID);
  expect(found(own, 'structure')).toEqual(['error 100 PV1 is missing; ADT_Z01 requires it.']);
  const ack = hl7('MSH|^~\\&|A|B|C|D|2026||ACK^A01|1|P|2.5.1', 'MSA|AA|1');
  expect(found(ack, 'structure')).toEqual([]);
});

const fields = (pid: string, ...rest: string[]): Buffer => hl7(MSH, EVN, pid, PV1, ...rest);

test.for([
  ['a required field', fields('PID|1||123^^^H'), ['error 101 PID-5 (Patient Name) is missing.']],
  [
    'a date',
    fields(`${PID}||19611399`),
    ['error 102 PID-7 (Date/Time of Birth) is not a valid TS.'],
  ],
  [
    'a number',
    fields(PID, 'OBX|1|NM|a||x||||||F'),
    ['error 102 OBX-5 (Observation Value) is not a valid NM.'],
  ],
  [
    'the second of several',
    fields(PID, 'OBX|1|NM|a||1||||||F', 'OBX|2|NM|a||x||||||F'),
    ['error 102 OBX[2]-5 (Observation Value) is not a valid NM.'],
  ],
  [
    'a part of a field',
    fields('PID|1||123^^^H^MR^^2026131||DOE'),
    ['error 102 PID-3 (Patient Identifier List), part 7 (Effective Date), is not a valid DT.'],
  ],
  [
    'a code of an HL7 table',
    fields(`${PID}|||||||||||||||||||X`),
    ['warning 103 PID-24 (Multiple Birth Indicator) is not a code of HL7 table 0136.'],
  ],
  [
    'repetitions',
    fields(`${PID}||1961~1962`),
    ['warning 198 PID-7 (Date/Time of Birth) occurs 2 times, at most 1 is allowed.'],
  ],
  [
    'surplus fields',
    fields(`${PID}${'|'.repeat(36)}x|y`),
    ['warning 199 PID has 39 fields in HL7 2.5.1, found 3 more.'],
  ],
  ['HL7 nulls', fields('PID|1||""||""||""'), []],
] as const)('full: %s', ([, body, expected]) => {
  expect(found(body, 'full')).toEqual(expected);
  expect(found(body, 'structure')).toEqual([]);
});

test('a finding has its place', () => {
  const body = hl7(MSH, EVN, PID, PV1, 'OBX|1|NM|a||1||||||F', 'OBX|2|NM|a||x||||||F');
  expect(validate(hl7Document(body), 'full')).toEqual([
    {
      severity: 'error',
      code: '102',
      text: 'OBX[2]-5 (Observation Value) is not a valid NM.',
      segment: 'OBX',
      segmentIndex: 2,
      field: 5,
    },
  ]);
});

test('lengths are checked only when asked', () => {
  const body = fields(`${PID}|||${'X'.repeat(20)}`);
  expect(found(body, 'full')).toEqual([]);
  expect(found(body, 'full', { lengths: true })).toEqual([
    'warning 104 PID-8 (Administrative Sex) is longer than 1 characters.',
  ]);
});

test('a message can be checked by another version than its own', () => {
  expect(found(hl7(MSH, EVN, PID, PV1), 'structure', { version: '2.2' })).toEqual([]);
  expect(found(hl7(MSH, 'SFT|1', EVN, PID, PV1), 'structure', { version: '2.2' })).toEqual([
    'error 100 SFT is not a segment of HL7 2.2.',
  ]);
  expect(found(GOOD, 'structure', { version: '7' })).toEqual([
    'error 203 Unsupported version id 7.',
  ]);
});

test('no finding quotes a value of the message but the codes of its type, version and charset', () => {
  const marker = 'SECRETNAME';
  const body = hl7(
    `${MSH}|||||||||${marker}`,
    `PID|${marker}||||${marker}||${marker}|${marker}`,
    `OBX|${marker}|NM|${marker}||${marker}`,
    `${marker} line`,
  );
  const texts = validate(hl7Document(body), 'full').map(({ text }) => text);
  expect(texts.length).toBeGreaterThan(3);
  expect(texts.filter((text) => text.includes(marker))).toEqual([]);
});

test('most of the public messages pass the check of their structure', () => {
  const results = hl7Corpus().map(({ bytes }) => {
    try {
      return validate(hl7Document(bytes), 'structure').every(
        ({ severity }) => severity !== 'error',
      );
    } catch {
      return false;
    }
  });
  expect(results.filter(Boolean).length / results.length).toBeGreaterThan(0.5);
});
