import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { hl7Document } from '../src/document/index.ts';
import { median } from './median.ts';

/** One measured way of working with one message. */
export interface DocumentRate {
  readonly case: string;
  /** Bytes of the message. */
  readonly bytes: number;
  /** Messages per second of CPU time, median of the rounds, which other work on the machine hardly affects. */
  readonly waybill: number;
  /** The same work by splitting every segment, field, repetition and component at once. */
  readonly splitEverything: number;
  /** Median of the ratios within the rounds. */
  readonly ratio: number;
}

const PATHS = [
  'MSH-3',
  'MSH-4',
  'MSH-9.1',
  'MSH-9.2',
  'MSH-10',
  'MSH-12',
  'PID-3.1',
  'PID-3.4',
  'PID-5.1',
  'PID-5.2',
  'PID-7',
] as const;

const ADT = Buffer.from(
  [
    'MSH|^~\\&|ADT1|GOOD HEALTH HOSPITAL|GHH LAB|ELAB-3|20260415083000||ADT^A01^ADT_A01|MSG00001|P|2.5.1|||AL|NE',
    'EVN|A01|20260415083000|||4711^NURSE^ANNA^^^^^^GHH|20260415082500',
    'PID|1||PATID1234^5^M11^ADT1^MR^GOOD HEALTH HOSPITAL~123456789^^^USSSA^SS||EVERYMAN^ADAM^A^III||19610615|M||2106-3|2222 HOME STREET^^GREENSBORO^NC^27401-1020|GL|(555) 555-2004|(555)555-2004||S||PATID12345001^2^M10^ADT1^AN^A|444333333|987654^NC',
    'PD1||||1234567^WELBY^MARCUS^^^^MD^^GHH|||||||||||||||||',
    'NK1|1|NUCLEAR^NELDA^W|SPO^SPOUSE|2222 HOME STREET^^GREENSBORO^NC^27401-1020|(555) 555-2004||NK^NEXT OF KIN||||||||||||||||||||||||||',
    'NK1|2|EVERYMAN^EVE^B|CHD^CHILD|14 SIDE ROAD^^GREENSBORO^NC^27401-1021|(555) 555-2005||EC^EMERGENCY CONTACT',
    'PV1|1|I|2000^2012^01^GHH^^^^MAIN^2|E|||004777^ATTEND^AARON^A^^^MD^^GHH|004888^REFER^ROBERTA^^^^MD|004999^CONSULT^CARL^^^^MD|SUR||||1|||004777^ATTEND^AARON^A^^^MD|IP|V100200300^^^GHH^VN|||||||||||||||||||||||||20260415080000',
    'PV2|||CHEST PAIN^Acute chest pain at rest|||||20260415|20260419|4|||||||||||N',
    'OBX|1|NM|8302-2^Body height^LN||178|cm|||||F|||20260415081500',
    'AL1|1|DA|^PENICILLIN|MO|PRODUCES HIVES~LOSS OF HAIR|19990101',
    'GT1|1|8291^^^GHH|EVERYMAN^ADAM^A^III||2222 HOME STREET^^GREENSBORO^NC^27401-1020|(555) 555-2004|(555)555-2004||||SEL^SELF|444333333||||EVERYMAN STEEL WORKS^^1045',
    'IN1|1|PPO^Preferred provider|HC02^^^GHH|HEALTH CARE INC|5555 INSURANCE WAY^^GREENSBORO^NC^27401|||987654321',
    'DG1|1|ICD10|I20.0^Unstable angina^I10|Unstable angina|20260415|A|||||||||1|004777^ATTEND^AARON^A',
  ].join('\r') + '\r',
);

/** A laboratory report of about 20 KB: a panel of results, each with a comment. */
const ORU = Buffer.from(
  [
    ADT.toString('latin1').split('\r')[0]?.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01'),
    ADT.toString('latin1').split('\r')[2],
    'OBR|1|845439^GHH OE|1045813^GHH LAB|24331-1^Lipid 1996 panel^LN|||20260415073000|||||||20260415074000||004777^ATTEND^AARON^A|||||20260415083000||CH|F',
    ...Array.from(
      { length: 110 },
      (_, index) =>
        `OBX|${index + 1}|NM|${2000 + index}-${index % 10}^Serum constituent number ${index + 1} of panel^LN^L${index}^Local name of constituent^L|${index + 1}|${(index * 1.37).toFixed(2)}|mmol/L|1.0-99.9|N|||F|||20260415073000|GHH^Good Health Laboratory|004777^ATTEND`,
    ),
  ].join('\r') + '\r',
);

interface Work {
  readonly name: string;
  readonly message: Buffer;
  readonly lazy: () => unknown;
  readonly split: () => unknown;
}

const WORKS: readonly Work[] = [
  {
    name: 'ADT: parse, read 11 fields',
    message: ADT,
    lazy: () => readAll(ADT),
    split: () => readSplit(splitEverything(ADT)),
  },
  {
    name: 'ADT: parse, read 11, set MSH-5, write',
    message: ADT,
    lazy: () => readAndSet(ADT),
    split: () => readAndSetSplit(ADT),
  },
  {
    name: 'ADT: parse, write unchanged',
    message: ADT,
    lazy: () => hl7Document(ADT).bytes(),
    split: () => joined(splitEverything(ADT)),
  },
  {
    name: 'ORU: parse, read 11 fields',
    message: ORU,
    lazy: () => readAll(ORU),
    split: () => readSplit(splitEverything(ORU)),
  },
  {
    name: 'ORU: parse, read 11, set MSH-5, write',
    message: ORU,
    lazy: () => readAndSet(ORU),
    split: () => readAndSetSplit(ORU),
  },
  {
    name: 'ORU: read every OBX-5',
    message: ORU,
    lazy: () => hl7Document(ORU).all('OBX-5'),
    split: () => {
      const segments = splitEverything(ORU);
      return segments.filter(([name]) => name?.[0]?.[0] === 'OBX').map((obx) => obx[5]?.[0]?.[0]);
    },
  },
];

/**
 * Measures reading and writing HL7 in this process, alone and against splitting everything,
 * alternately so that both run under the same conditions. About `seconds` per case.
 */
export function runDocumentBench(seconds = 1.5): DocumentRate[] {
  const rounds = 5;
  const slice = (seconds * 1000) / rounds / 2;
  return WORKS.map(({ name, message, lazy, split }) => {
    rate(lazy, slice);
    rate(split, slice);
    const measured = Array.from({ length: rounds }, () => {
      const waybill = rate(lazy, slice);
      return { waybill, other: rate(split, slice) };
    });
    return {
      case: name,
      bytes: message.length,
      waybill: median(measured.map((one) => one.waybill)),
      splitEverything: median(measured.map((one) => one.other)),
      ratio: median(measured.map((one) => one.waybill / one.other)),
    };
  });
}

/** How often the work is done in a second of CPU time. */
function rate(work: () => unknown, milliseconds: number): number {
  const before = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < milliseconds) {
    for (let turn = 0; turn < 50; turn++) work();
    count += 50;
  }
  const { user, system } = process.cpuUsage(before);
  return Math.round((count * 1_000_000) / (user + system));
}

function readAll(message: Buffer): number {
  const document = hl7Document(message);
  let length = 0;
  for (const path of PATHS) length += document.get(path).length;
  return length;
}

function readAndSet(message: Buffer): Uint8Array {
  const document = hl7Document(message);
  for (const path of PATHS) document.get(path);
  document.set('MSH-5', 'RECEIVER');
  return document.bytes();
}

/** Segment → field → repetition → component. */
type Split = string[][][][];

function splitEverything(message: Buffer): Split {
  return message
    .toString('utf8')
    .split('\r')
    .map((segment) =>
      segment
        .split('|')
        .map((field) => field.split('~').map((repetition) => repetition.split('^'))),
    );
}

function readSplit(segments: Split): number {
  let length = 0;
  for (const path of PATHS) {
    const [, name = '', field = '', component = '1'] =
      /^(\w{3})-(\d+)(?:\.(\d+))?$/.exec(path) ?? [];
    const segment = segments.find((one) => one[0]?.[0]?.[0] === name);
    const slot = Number(field) - (name === 'MSH' ? 1 : 0);
    length += segment?.[slot]?.[0]?.[Number(component) - 1]?.length ?? 0;
  }
  return length;
}

function joined(segments: Split): Buffer {
  const text = segments
    .map((segment) =>
      segment.map((field) => field.map((parts) => parts.join('^')).join('~')).join('|'),
    )
    .join('\r');
  return Buffer.from(text, 'utf8');
}

function readAndSetSplit(message: Buffer): Buffer {
  const segments = splitEverything(message);
  readSplit(segments);
  const header = segments[0];
  if (header !== undefined) header[4] = [['RECEIVER']];
  return joined(segments);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rates = runDocumentBench();
  for (const one of rates) {
    const [waybill, other] = [one.waybill, one.splitEverything].map((value) =>
      value.toLocaleString('en').padStart(9),
    );
    process.stdout.write(
      `${one.case.padEnd(40)} ${String(one.bytes).padStart(6)} B  ${waybill}/s  split ${other}/s  x${one.ratio.toFixed(1)}\n`,
    );
  }
  process.stdout.write(`${JSON.stringify({ node: process.version, rates })}\n`);
}
