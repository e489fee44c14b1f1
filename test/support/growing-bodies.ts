import { Buffer } from 'node:buffer';
import { attributeOf, writeDataSet } from '../../src/document/dicom/data-set.ts';
import { fileHead, HEAD_ENCODING } from '../../src/document/dicom/file-head.ts';
import type { RecordMap } from '../../src/document/records/record-map.ts';

const ISA =
  'ISA*00*          *00*          *ZZ*S              *ZZ*R              *260101*1200*^*00501*000000001*0*P*:~GS*HC*S*R*20260101*1200*1*X*005010X222A1~';
const UNH = "UNA:+.? 'UNB+UNOC:3+S+R+260101:1200+1'UNH+1+ORDERS:D:96A:UN'";

const upTo = <Item>(n: number, make: (at: number) => Item): Item[] =>
  Array.from({ length: n }, (_, at) => make(at));

/** Bodies with `n` of what there may be many of, by kind. */
export const BODIES = {
  hl7: (n: number) =>
    `MSH|^~\\&|LAB|MAIN|HUB|CITY|20260131153000||ORU^R01^ORU_R01|M1|P|2.5.1\rPID|1||4711^^^MAIN^MR||DOE^JANE||19800229|F\r${'OBR|1|||CHEM^Chemistry\rOBX|1|NM|GLU^Glucose||11.5|mmol/l|||||F\rNTE|1||fasting\r'.repeat(n)}`,
  x12: (n: number) =>
    `${ISA}ST*837*0001*005010X222A1~BHT*0019~HL*1**20~NM1*85*2*P~HL*2*1*22~SBR*P~NM1*IL*1*X~${'CLM*C*150~REF*G1*A~HI*ABK:J0300~LX*1~SV1*HC:99213~REF*6R*1~'.repeat(n)}SE*1*0001~GE*1*1~IEA*1*000000001~`,
  edifact: (n: number) =>
    `${UNH}BGM+220+1+9'${"LIN+1++ABC:SRV'QTY+21:5'FTX+AAI+++a ?+ b'".repeat(n)}UNT+1+1'UNZ+1+1'`,
  astm: (n: number) =>
    `H|\\^&|||LIS|||||||P|1\rP|1||4711\rO|1|S1||^^^GLU\r${'R|1|^^^GLU|11.5|mmol/l||N||F\rC|1|I|ok|G\r'.repeat(n)}L|1|N\r`,
  xml: (n: number) =>
    `<report xmlns="urn:r"><patient id="1"><name>Doe</name></patient>${'<result code="GLU"><value unit="mmol/l">11.5</value><note>fasting</note></result>'.repeat(n)}</report>`,
  json: (n: number) =>
    JSON.stringify({ orders: upTo(n, (id) => ({ id, code: 'GLU', items: [{ v: 1.5 }] })) }),
  /** An object with many members. */
  members: (n: number) => JSON.stringify(Object.fromEntries(upTo(n, (at) => [`k${at}`, at]))),
  fhir: (n: number) =>
    JSON.stringify({
      resourceType: 'Bundle',
      type: 'collection',
      entry: upTo(n, (at) => ({
        fullUrl: `urn:uuid:${at}`,
        resource: {
          resourceType: 'Observation',
          status: 'final',
          code: { coding: [{ system: 'http://loinc.org', code: '2345-7' }] },
          valueQuantity: { value: 11.5, unit: 'mmol/l' },
        },
      })),
    }),
  delimited: (n: number) => `mrn,name,ward\n${'4711,"Doe, Jane",W1\n'.repeat(n)}`,
  /** A file with a sequence of many items. */
  dicom: (n: number) => {
    const item = { attributes: [attributeOf('00400009', 'SH', 'STEP1')] };
    const sequence = {
      ...attributeOf('00400275', 'SQ', Buffer.alloc(0)),
      items: upTo(n, () => item),
    };
    const attributes = [attributeOf('00100020', 'LO', '4711'), sequence];
    const uids = { classUid: '1.2.840.10008.5.1.4.1.1.7', instanceUid: '1.2.3.4' };
    const head = fileHead(uids, { transferSyntax: '1.2.840.10008.1.2.1', source: 'CT1' });
    return Buffer.concat([head, writeDataSet({ attributes }, HEAD_ENCODING)]).toString('latin1');
  },
  text: (n: number) => 'a line of plain text\n'.repeat(n),
} as const;

export type BodyKind = keyof typeof BODIES;

export const TYPES: Readonly<Record<BodyKind, string>> = {
  hl7: 'HL7v2:ORU_R01',
  x12: 'X12:837',
  edifact: 'EDIFACT:ORDERS',
  astm: 'application/x-astm',
  xml: 'application/xml',
  json: 'application/json',
  members: 'application/json',
  fhir: 'application/fhir+json',
  delimited: 'text/csv',
  dicom: 'application/dicom',
  text: 'text/plain',
};

/** Paths of what is there once, of the nth of many, of what is not there, and of every one. */
export const PATHS: Readonly<
  Record<
    Exclude<BodyKind, 'text'>,
    readonly [first: string, nth: (n: number) => string, missing: string, every: string]
  >
> = {
  hl7: ['PID-3.1', (n) => `OBX[${n}]-5`, 'ZZZ-1', 'OBX-3.1'],
  x12: ['BHT-1', (n) => `2300[${n}]/CLM-1`, 'ZZZ-1', '2300/CLM-1'],
  edifact: ['BGM-1', (n) => `LIN[${n}]-3.1`, 'ZZZ-1', 'LIN-3.1'],
  astm: ['P-4', (n) => `R[${n}]-4`, 'Q-2', 'R-4'],
  xml: ['/report/patient/@id', (n) => `/report/result[${n}]/value`, '/report/none', '//@code'],
  json: ['/orders/0/id', (n) => `/orders/${n - 1}/items/0/v`, '/none', '/orders/*/id'],
  members: ['/k0', (n) => `/k${n - 1}`, '/none', '/k1'],
  fhir: ['/type', (n) => `/entry/${n - 1}/resource/status`, '/none', '/entry/*/fullUrl'],
  dicom: [
    'PatientID',
    (n) => `RequestAttributesSequence[${n}]/ScheduledProcedureStepID`,
    'PatientName',
    'RequestAttributesSequence[*]/ScheduledProcedureStepID',
  ],
  delimited: ['[1]/mrn', (n) => `[${n}]/ward`, '[99999999]/ward', 'ward'],
};

/** A body of a kind as bytes. */
export const bodyOf = (kind: BodyKind, n: number): Buffer => Buffer.from(BODIES[kind](n), 'latin1');

type Hostile = readonly [kind: Exclude<BodyKind, 'text'>, make: (n: number) => string];

const hl7 = (n: number, what: string): string => `MSH|^~\\&|A|B\rPID|1||${what.repeat(n)}1\r`;

/** Bodies of an odd shape: much of one thing, or nothing but what is otherwise in between. */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'repetitions of one field': ['hl7', (n) => hl7(n, '4711^^^MAIN~')],
  'components of one field': ['hl7', (n) => hl7(n, 'a^')],
  'subcomponents of one field': ['hl7', (n) => hl7(n, 'a&')],
  'fields of one segment': ['hl7', (n) => hl7(n, 'a|')],
  'escapes in one field': ['hl7', (n) => hl7(n, '\\T\\')],
  'half escapes in one field': ['hl7', (n) => hl7(n, '\\')],
  'one line without a separator': ['hl7', (n) => `MSH|^~\\&|A|B\r${'a'.repeat(n)}\r`],
  'empty segments': ['hl7', (n) => `MSH|^~\\&|A|B\r${'\r'.repeat(n)}PID|1\r`],
  'segments without a field': ['hl7', (n) => `MSH|^~\\&|A|B\r${'ZZZ\r'.repeat(n)}`],
  'release characters': ['edifact', (n) => `${UNH}${'??'.repeat(n)}'UNT+1+1'`],
  'released marks': ['edifact', (n) => `${UNH}FTX+${"?+?'?:".repeat(n)}'UNT+1+1'`],
  'empty loops': ['x12', (n) => `${ISA}ST*837*0001*005010X222A1~${'HL*1**20~'.repeat(n)}SE*1*1~`],
  'terminators alone': ['x12', (n) => `${ISA}${'~'.repeat(n)}`],
  'attributes of one element': ['xml', (n) => `<a ${upTo(n, (at) => `b${at}="1"`).join(' ')}/>`],
  'namespaces of one element': [
    'xml',
    (n) => `<a ${upTo(n, (at) => `xmlns:b${at}="urn:${at}"`).join(' ')}/>`,
  ],
  'entities in one text': ['xml', (n) => `<a>${'&amp;&#65;'.repeat(n)}</a>`],
  'unknown entities': ['xml', (n) => `<a>${'&b;'.repeat(n)}</a>`],
  'deeply nested elements': ['xml', (n) => `${'<a>'.repeat(n)}${'</a>'.repeat(n)}`],
  'elements without an end': ['xml', (n) => '<a>t'.repeat(n)],
  'comments without an end': ['xml', (n) => `<a>${'<!--'.repeat(n)}`],
  'deeply nested arrays': ['json', (n) => `${'['.repeat(n)}${']'.repeat(n)}`],
  'deeply nested objects': ['json', (n) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`],
  'arrays without an end': ['json', (n) => '['.repeat(n)],
  'members of one name': ['json', (n) => `{${'"a":1,'.repeat(n)}"a":2}`],
  'names that are masked alike': [
    'json',
    (n) => `{${upTo(n, (at) => `"${10_000_000 + at}":1`).join(',')}}`,
  ],
  'escapes in one string': ['json', (n) => `{"a":"${'\\u0041'.repeat(n)}"}`],
  'columns of one row': ['delimited', (n) => `${'a,'.repeat(n)}b\n${'1,'.repeat(n)}2\n`],
  'quotes in one cell': ['delimited', (n) => `a,b\n"${'""'.repeat(n)}",1\n`],
  'quotes without an end': ['delimited', (n) => `a,b\n${'"a,'.repeat(n)}\n`],
  'fields of one record': ['astm', (n) => `H|\\^&\rP|${'a|'.repeat(n)}\r`],
};

const FIELD = {
  name: 'mrn',
  type: 'text',
  required: true,
  width: 0,
  pad: ' ',
  align: 'left',
} as const;
const FIELDS = ['mrn', 'name', 'ward'].map((name) => ({
  ...FIELD,
  name,
  format: '',
  decimals: undefined,
  counts: undefined,
}));
/** The record map of `delimited`. */
export const ROWS: RecordMap = {
  delimiter: ',',
  names: true,
  charset: 'utf-8',
  lineEnd: '\n',
  bad: 'suspend',
  records: [{ name: 'rows', when: undefined, at: undefined, required: false, fields: FIELDS }],
};
