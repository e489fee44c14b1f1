import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { fileHead } from '../../src/document/index.ts';
import { BODIES, type BodyKind, PATHS, TYPES } from '../support/growing-bodies.ts';

/** Bodies that consist of very many of the smallest thing that their kind has, as nobody sends by accident. */
type Shape = readonly [
  kind: BodyKind,
  unit: string | ((n: number) => string),
  head: string,
  end?: string,
];

const HL7 = 'MSH|^~\\&|A|B|C|D|20260101||ORU^R01|17|P|2.5.1\rPID|1||4711\r';
const X12 = BODIES.x12(0).slice(0, BODIES.x12(0).indexOf('SE*'));
const EDIFACT = `${BODIES.edifact(0).split('BGM')[0] ?? ''}BGM+220+1'`;

const DICOM = fileHead(
  { classUid: '1.2.3', instanceUid: '1.2.4' },
  { transferSyntax: '1.2.840.10008.1.2.1', source: '' },
).toString('latin1');

const SHAPES: Readonly<Record<string, Shape>> = {
  'lines of one character': ['hl7', 'X\r', HL7],
  'segments without a field': ['hl7', 'ZZZ\r', HL7],
  'blank lines': ['hl7', '\r', HL7],
  'fields of one segment': ['hl7', '|', `${HL7}ZZZ`],
  'repetitions of one field': ['hl7', '~', `${HL7}ZZZ|`],
  'transaction sets': ['x12', 'ST~', X12],
  'service lines': ['x12', 'LX*1~', `${X12}CLM*C*150~`],
  'segments of one letter': ['x12', 'X~', X12],
  'short segments': ['edifact', "X'", EDIFACT],
  'short records': ['astm', 'R\r', 'H|\\^&\rP|1||4711\r'],
  'empty rows': ['delimited', '\n', 'mrn,name,ward\n1,2,3\n'],
  'short rows': ['delimited', '12\n', 'mrn,name,ward\n1,2,3\n'],
  'columns of a header': ['delimited', ',', 'mrn'],
  'short members': ['members', (n) => `"${n}":1,`, '{', '"k0":1}'],
  'short elements': ['members', '"",', '{"k0":[', '""]}'],
  'empty objects': ['members', '{},', '{"k0":[', '{}]}'],
  digits: ['members', '1,', '{"k0":[', '1]}'],
  'empty attributes': ['dicom', '\x10\x00\x11\x00LO\x00\x00', DICOM],
  'lines of plain text': ['text', '\n', 'a\n'],
  'columns of one row': ['delimited', ',', 'mrn,name,ward\n1'],
};

/** Of plain text. */
const LINES = ['[1]', (n: number) => `[${n}]`, '[9999999]'] as const;

const SIZE = 3_000_000;
/** How many times its size a body may take at most, all garbage included. */
const TIMES = 12;
/** As much room makes X12, whose loops are read too, three times as fast. */
const ROOM: Partial<Record<BodyKind, number>> = { x12: 20 };

/** A text of about so many characters. */
function filled(unit: Shape[1]): string {
  if (typeof unit === 'string') return unit.repeat(SIZE / unit.length);
  const parts: string[] = [];
  for (let size = 0; size < SIZE; ) {
    const part = unit(parts.length);
    parts.push(part);
    size += part.length;
  }
  return parts.join('');
}

test.each(Object.entries(SHAPES))(
  `%s take at most ${TIMES} times their size`,
  async (_, [kind, unit, head, end = '']) => {
    const bytes = Buffer.from(head + filled(unit) + end, 'latin1');
    const [first, nth, missing] = kind === 'text' ? LINES : PATHS[kind];
    const thread = new Worker(new URL('../support/reads-body.ts', import.meta.url), {
      workerData: { bytes, type: TYPES[kind], asked: [first, nth(100), missing], set: first },
      // what the program itself takes comes on top
      resourceLimits: { maxOldGenerationSizeMb: ((ROOM[kind] ?? TIMES) * SIZE) / 1_000_000 + 30 },
    });
    const ended = await once(thread, 'exit').catch((error: unknown) => String(error));
    expect(ended).toEqual([0]);
  },
);
