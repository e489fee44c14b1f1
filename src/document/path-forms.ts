import { dicomSample } from './dicom/sample.ts';
import type { Document } from './document.ts';

/** One form of path, and what it reads in the sample of its kind. */
export interface PathForm {
  readonly path: string;
  readonly help: string;
  /** What `all` returns for the sample of the kind: every value at the path. */
  readonly reads: readonly string[];
  /** For writing only: the sample, or a part of it, after `set`. */
  readonly writes?: string;
}

interface PathForms {
  readonly kind: Document['kind'];
  /** The kind of bodies, for people. */
  readonly of: string;
  /** The message type of the sample. */
  readonly type: string;
  readonly sample: string;
  /** The body itself, where the sample is how people see it. */
  readonly bytes?: () => Uint8Array;
  readonly forms: readonly PathForm[];
}

/** Every form of path; the reference page shows them and a test checks them. */
export const PATH_FORMS: readonly PathForms[] = [
  {
    kind: 'hl7',
    of: 'HL7 v2',
    type: 'HL7v2:ORU_R01:2.5.1',
    sample: [
      'MSH|^~\\&|LAB|NORTH|HUB||20260101||ORU^R01|7|P|2.5.1',
      'PID|1||123^^^MPI~456^^^WARD||Doe^Jane&von',
      'OBX|1|NM|GLU||5.1',
      'OBX|2|NM|NA||140',
    ].join('\r'),
    forms: [
      {
        path: 'PID-3',
        help: 'A field; each of several repetitions separately',
        reads: ['123^^^MPI', '456^^^WARD'],
      },
      { path: 'PID-3.1', help: 'A component', reads: ['123', '456'] },
      { path: 'PID-5.2.2', help: 'A subcomponent', reads: ['von'] },
      { path: 'PID-3[2].4', help: 'One repetition, from 1', reads: ['WARD'] },
      {
        path: 'PID-3[*].4',
        help: 'Every repetition, also for writing',
        reads: ['MPI', 'WARD'],
      },
      { path: 'OBX[2]-5', help: 'In one segment with that name, from 1', reads: ['140'] },
      {
        path: 'OBX[*]-5',
        help: 'In every segment with that name, also for writing',
        reads: ['5.1', '140'],
      },
      {
        path: 'MSH-9.2',
        help: 'The header counts as in the standard: MSH-1 is the separator',
        reads: ['R01'],
      },
      { path: 'OBX[1]', help: 'A whole segment', reads: ['OBX|1|NM|GLU||5.1'] },
    ],
  },
  {
    kind: 'x12',
    of: 'X12',
    type: 'X12:837P:005010X222A1',
    sample: [
      'ISA*00*          *00*          *ZZ*CLINIC         *ZZ*PAYER          *260301*1200*^*00501*000000001*0*T*:',
      'GS*HC*CLINIC*PAYER*20260301*1200*1*X*005010X222A1',
      'ST*837*0001*005010X222A1',
      'HL*1**20*1',
      'HL*2*1*22*0',
      'NM1*IL*1*DOE*JANE',
      'CLM*A1*30***11:B:1',
      'HI*ABK:J00*ABF:R05',
      'LX*1',
      'SV1*HC:99213*30',
      'CLM*A2*45***11:B:1',
      'SE*10*0001',
      'GE*1*1',
      'IEA*1*000000001',
      '',
    ].join('~'),
    forms: [
      { path: 'CLM-1', help: 'An element, of every segment of that name', reads: ['A1', 'A2'] },
      { path: 'CLM-5.1', help: 'A component', reads: ['11', '11'] },
      { path: 'CLM[2]-2', help: 'In one segment with that name, from 1', reads: ['45'] },
      {
        path: '2300/HI[1]-2.2',
        help: 'In a loop of the implementation guide; the segment counts in each of these loops',
        reads: ['R05'],
      },
      { path: '2300[2]/CLM-1', help: 'In one loop of that id, from 1', reads: ['A2'] },
      {
        path: '2000B/2300[1]/2400/SV1-2',
        help: 'In loops inside of one another; those between may be left out',
        reads: ['30'],
      },
      { path: 'ST[1]/2010BA/NM1-3', help: 'In one transaction set', reads: ['DOE'] },
      {
        path: '2300[2]',
        help: 'A whole loop, with the loops in it',
        reads: ['CLM*A2*45***11:B:1~'],
      },
      {
        path: 'ISA-6',
        help: 'The envelope; ISA without the blanks that fill it up',
        reads: ['CLINIC'],
      },
    ],
  },
  {
    kind: 'edifact',
    of: 'EDIFACT',
    type: 'EDIFACT:MEDRPT:D.96A',
    sample:
      "UNB+UNOC:3+LAB+WARD+260301:1200+7'UNH+1+MEDRPT:D:96A:UN'BGM+LRP+R7'PNA+PAT+4711++O?'NEIL:ANN'UNT+4+1'UNZ+1+7'",
    forms: [
      { path: 'BGM-2', help: 'An element', reads: ['R7'] },
      { path: 'UNH-2.1', help: 'A component', reads: ['MEDRPT'] },
      {
        path: 'PNA-4.1',
        help: 'A value reads without the characters that release its own',
        reads: ["O'NEIL"],
      },
      { path: 'UNH[1]/PNA[1]-2', help: 'In one message of the interchange', reads: ['4711'] },
    ],
  },
  {
    kind: 'astm',
    of: 'ASTM E1394 (LIS02)',
    type: 'application/astm',
    sample: [
      'H|\\^&|M7||LAB^1|||||||P|LIS2-A2|20260101',
      'P|1||4711||Doe^Jane',
      'O|1|S1||^^^GLU\\^^^NA|R',
      'R|1|^^^GLU|5.4|mmol/L||N',
      'R|2|^^^NA|140|mmol/L||N',
      'L|1|N',
      '',
    ].join('\r'),
    forms: [
      {
        path: 'R-4',
        help: 'A field, of every record of that letter; fields count as the standard does, the letter is field 1',
        reads: ['5.4', '140'],
      },
      { path: 'P-6.2', help: 'A component', reads: ['Jane'] },
      { path: 'R[2]-3.4', help: 'Of one record of that letter, from 1', reads: ['NA'] },
      { path: 'O-5[2].4', help: 'Of one repetition, from 1', reads: ['NA'] },
      { path: 'O-5[*].4', help: 'Of every repetition', reads: ['GLU', 'NA'] },
      { path: 'R[*]-4', help: 'Of every record of that letter', reads: ['5.4', '140'] },
      { path: 'R[1]', help: 'A whole record', reads: ['R|1|^^^GLU|5.4|mmol/L||N'] },
    ],
  },
  {
    kind: 'dicom',
    of: 'DICOM',
    type: 'application/dicom',
    sample: [
      '(0002,0000) UL FileMetaInformationGroupLength  172',
      '(0002,0001) OB FileMetaInformationVersion  2 bytes',
      '(0002,0002) UI MediaStorageSOPClassUID  1.2.840.10008.5.1.4.1.1.7',
      '(0002,0003) UI MediaStorageSOPInstanceUID  1.2.3.4',
      '(0002,0010) UI TransferSyntaxUID  1.2.840.10008.1.2.1',
      '(0002,0012) UI ImplementationClassUID  2.25.115642331406925407168463911480371466711',
      '(0002,0013) SH ImplementationVersionName  WAYBILL',
      '(0002,0016) AE SourceApplicationEntityTitle  CT1',
      '(0008,0008) CS ImageType  DERIVED\\PRIMARY',
      '(0008,0016) UI SOPClassUID  1.2.840.10008.5.1.4.1.1.7',
      '(0008,0018) UI SOPInstanceUID  1.2.3.4',
      '(0008,0060) CS Modality  OT',
      '(0010,0010) PN PatientName  DOE^JANE',
      '(0010,0020) LO PatientID  4711',
      '(0040,0275) SQ RequestAttributesSequence  1 item',
      '  [1]',
      '    (0040,0009) SH ScheduledProcedureStepID  STEP1',
    ].join('\n'),
    bytes: dicomSample,
    forms: [
      { path: 'PatientID', help: 'An attribute by its keyword', reads: ['4711'] },
      {
        path: '(0010,0020)',
        help: 'An attribute by its number; 00100020 says the same',
        reads: ['4711'],
      },
      { path: 'PatientName.1', help: 'A component of a name', reads: ['DOE'] },
      { path: 'ImageType', help: 'Each of several values', reads: ['DERIVED', 'PRIMARY'] },
      { path: 'ImageType[2]', help: 'One value, from 1', reads: ['PRIMARY'] },
      {
        path: 'RequestAttributesSequence[1]/ScheduledProcedureStepID',
        help: 'In one item of a sequence, from 1; without a number the first, for all those of every item',
        reads: ['STEP1'],
      },
      {
        path: 'TransferSyntaxUID',
        help: 'The head of the file (group 0002)',
        reads: ['1.2.840.10008.1.2.1'],
      },
    ],
  },
  {
    kind: 'json',
    of: 'JSON',
    type: 'application/json',
    sample: '{"patient":{"id":"7","names":["Jane","Ann"],"a/b":"x"}}',
    forms: [
      { path: '/patient/id', help: 'A JSON pointer (RFC 6901)', reads: ['7'] },
      { path: '/patient/names/0', help: 'An element of an array, from 0', reads: ['Jane'] },
      { path: '/patient/names/*', help: 'Every element', reads: ['Jane', 'Ann'] },
      { path: '/patient/a~1b', help: '/ in a name is written ~1, ~ is written ~0', reads: ['x'] },
      {
        path: '/patient/names/-',
        help: 'The place after the last element: adds one',
        reads: [],
        writes: '"names":["Jane","Ann","new"]',
      },
    ],
  },
  {
    kind: 'xml',
    of: 'XML',
    type: 'application/xml',
    sample: '<order id="7"><item code="A">one</item><item code="B">two</item></order>',
    forms: [
      { path: '/order/@id', help: 'An attribute. Paths are XPath 1.0', reads: ['7'] },
      { path: '/order/item[2]', help: 'One of several elements, from 1', reads: ['two'] },
      {
        path: '//item',
        help: 'Every element with that name; without a prefix, in any namespace',
        reads: ['one', 'two'],
      },
      {
        path: '/order/item[@code="B"]',
        help: 'The elements for which a condition is true',
        reads: ['two'],
      },
      { path: 'count(/order/item)', help: 'A number or a text that XPath computes', reads: ['2'] },
    ],
  },
  {
    kind: 'delimited',
    of: 'delimited text (CSV, TSV)',
    type: 'text/csv',
    sample: 'mrn,ward\n7,3\n8,5\n',
    forms: [
      { path: 'mrn', help: 'A column by its name, in every data row', reads: ['7', '8'] },
      { path: '2', help: 'A column by its number, from 1', reads: ['3', '5'] },
      { path: '[2]/ward', help: 'In one data row, from 1', reads: ['5'] },
      { path: '[*]/ward', help: 'In every data row', reads: ['3', '5'] },
      { path: '[2]', help: 'A whole row', reads: ['8,5'] },
    ],
  },
];

/** Paths that only have a meaning in a loop of a transform; see `docs/production-format.md`, Loops. */
export const LOOP_FORMS: readonly { readonly path: string; readonly help: string }[] = [
  { path: 'OBX[#]-5', help: 'For writing: in the segment with the number of the turn, from 1' },
  {
    path: '/results/#/code',
    help: 'For writing: in the element with the number of the turn, in JSON from 0',
  },
  {
    path: '/orders/#/results/#',
    help: 'The last # belongs to the innermost loop, the one before it to the loop around that',
  },
  { path: './s', help: 'XML: begins at the element that the loop is at' },
  { path: '/orders/*/id', help: 'JSON: in the element that the loop over /orders is at' },
];
