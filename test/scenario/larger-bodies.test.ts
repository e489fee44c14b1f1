import { Buffer } from 'node:buffer';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fieldMask, MASKED_PATHS } from '../../src/access/rights/field-mask.ts';
import { contentDiff } from '../../src/api/body/body-diff.ts';
import { bodyText, indentedXml } from '../../src/api/body/body-text.ts';
import { ediTree } from '../../src/api/body/edi-tree.ts';
import { hl7Tree } from '../../src/api/body/hl7-tree.ts';
import { documentOf } from '../../src/document/document-of.ts';
import { checkEdi } from '../../src/document/edi/check/check-edi.ts';
import { ediDocument } from '../../src/document/edi/edi-document.ts';
import { fhirFindings } from '../../src/document/fhir/validate/validate.ts';
import { hl7BodyProblem, hl7Header } from '../../src/document/hl7/header.ts';
import { hl7Document } from '../../src/document/hl7/hl7-document.ts';
import { validate } from '../../src/document/hl7/validation/validate.ts';
import { atOnce } from '../../src/document/in-turns.ts';
import { readingRecords } from '../../src/document/records/read-records.ts';
import { writeRecords } from '../../src/document/records/write-records.ts';
import { searchFields } from '../../src/trace/search-fields.ts';
import { partsOf } from '../../src/transform/split/parts-of.ts';
import {
  BODIES,
  type BodyKind,
  bodyOf,
  HOSTILE,
  PATHS,
  ROWS,
  TYPES,
} from '../support/growing-bodies.ts';
import { type Growing, growth } from '../support/growth.ts';
import { scopeOf, valueOf } from '../support/subject-message.ts';
import { inputOf, transformOf } from '../support/transform-reading.ts';

/** Clearly more than in proportion: n log n, and what a busy machine adds to it, stays below; n² was never below 1.7. */
const LIMIT = 1.5;

/** The largest number that a path may have. */
const MOST = 9999;

/**
 * Of what is done at each of a field's repetitions, of which a path reaches `MOST`: they are one text, which is copied
 * for each change. All of them take a third of a second.
 */
const ONE_TEXT = 1.9;

const KINDS = Object.keys(TYPES) as BodyKind[];
const WITH_PATHS = Object.keys(PATHS) as (keyof typeof PATHS)[];
/** A place of an XML is found by looking at those before it, and how much of one paths may look at is limited. */
const WITHOUT_XML = WITH_PATHS.filter((kind) => kind !== 'xml');

const reading = (kind: BodyKind) => ({ type: TYPES[kind], charset: undefined });

/** What grows too fast, and the times that say so. */
function tooSteep<Input>(growing: Growing<Input>, limit = LIMIT): string | undefined {
  const { n, times, exponent } = growth(growing, limit);
  const told = `n^${exponent.toFixed(2)}: ${times.map((time) => time.toFixed(1)).join(', ')} ms for ${n}, ${2 * n}, ${4 * n}, ${8 * n}`;
  if (process.env['WAYBILL_GROWTH_TOLD'] !== undefined) {
    onTestFinished(({ task }) => void process.stdout.write(`${task.name} | ${told}\n`));
  }
  return exponent < limit ? undefined : told;
}

describe('a body that is larger takes longer in proportion, when it', () => {
  test.for(KINDS)('is read and written: %s', (kind) => {
    const work = (bytes: Buffer): void => {
      const document = documentOf(bytes, reading(kind));
      if (kind !== 'text') document.all(PATHS[kind][3]);
      document.copy().bytes();
    };
    expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
  });

  test.for(WITHOUT_XML)('is asked for each place: %s', (kind) => {
    const [first, nth, missing] = PATHS[kind];
    const make = (n: number) => ({ n, document: documentOf(bodyOf(kind, n), reading(kind)) });
    const work = ({ n, document }: ReturnType<typeof make>): void => {
      for (let at = 1; at <= n; at++) {
        document.get(first);
        document.get(nth(Math.min(at, MOST)));
        document.has(missing);
      }
    };
    expect(tooSteep({ make, work, from: 512 })).toBeUndefined();
  });

  test.for(WITHOUT_XML)('is changed in each place: %s', (kind) => {
    const [, nth] = PATHS[kind];
    const make = (n: number) => ({ n, document: documentOf(bodyOf(kind, n), reading(kind)) });
    const work = ({ n, document }: ReturnType<typeof make>): void => {
      const copy = document.copy();
      for (let at = 1; at <= n; at++) copy.set(nth(Math.min(at, MOST)), '7');
      copy.bytes();
    };
    expect(tooSteep({ make, work, from: 512 })).toBeUndefined();
  });

  test.for(WITH_PATHS)('is masked: %s', (kind) => {
    const mask = fieldMask(MASKED_PATHS);
    const work = (bytes: Buffer): unknown => mask(bytes, reading(kind));
    expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
  });

  test.for(WITH_PATHS)('is indexed: %s', (kind) => {
    const [first, , missing, every] = PATHS[kind];
    const fields = searchFields(new Map(Object.entries({ first, missing, every })));
    const work = (bytes: Buffer): unknown => fields(bytes, reading(kind));
    expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
  });

  // from where on segments are paired more simply, and lines not compared further
  test.for<[BodyKind, number]>([
    ['hl7', 512],
    ['edifact', 512],
    ['json', 512],
  ])('is compared: %s', ([kind, from]) => {
    const make = (n: number) => {
      const before = bodyOf(kind, n);
      const after = before.toString('latin1').replaceAll('G', 'K').replaceAll('plain', 'other');
      return [before, Buffer.from(after, 'latin1')].map((bytes) => ({
        bytes,
        reading: reading(kind),
      }));
    };
    const work = ([before, after]: ReturnType<typeof make>): unknown =>
      before && after && contentDiff(before, after);
    expect(tooSteep({ make, work, from })).toBeUndefined();
  });

  test.for(KINDS)('is shown: %s', (kind) => {
    const work = (bytes: Buffer): void => {
      shownAs(kind, bytes);
      if (kind === 'hl7') hl7Tree(bytes, undefined);
      if (kind === 'x12' || kind === 'edifact') ediTree(bytes, undefined);
    };
    expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
  });

  test('is looked through for more than one message', () => {
    const growing: Growing<Buffer> = {
      make: (n) => Buffer.from(`MSH|^~\\&|A|B\n${'MSH|\n'.repeat(n)}`),
      work: (bytes) => hl7BodyProblem(bytes, hl7Header(bytes)),
      from: 8_192,
    };
    expect(tooSteep(growing)).toBeUndefined();
  });

  test.for<[BodyKind, (bytes: Buffer) => unknown]>([
    ['hl7', (bytes) => validate(hl7Document(bytes), 'full')],
    ['x12', (bytes) => checkEdi(ediDocument(bytes), 'guide')],
    ['edifact', (bytes) => checkEdi(ediDocument(bytes), 'guide')],
    ['fhir', (bytes) => fhirFindings(JSON.parse(bytes.toString()), { level: 'full' })],
  ])('is checked: %s', ([kind, work]) => {
    expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
  });
});

function shownAs(kind: BodyKind, bytes: Buffer): void {
  const size = bytes.byteLength;
  const shown = {
    message: { id: 1 },
    bytes,
    reading: reading(kind),
    size,
    offset: 0,
    masked: false,
  };
  bodyText(shown, 'message', true);
}

const SEGMENTS: Readonly<Record<'hl7' | 'x12' | 'edifact' | 'astm', readonly [string, string]>> = {
  hl7: ['OBR', 'OBX'],
  x12: ['CLM', 'REF'],
  edifact: ['LIN', 'QTY'],
  astm: ['R', 'C'],
};

type Tried = readonly [name: string, kind: BodyKind, given: unknown];

const copying = (...steps: readonly unknown[]): unknown => ({ start: 'copy', steps });
const making = (type: string, ...steps: readonly unknown[]): unknown => ({
  start: 'empty',
  type,
  steps,
});

/** Records of ASTM are not added in steps, nor asked for what follows them. */
const NOT_IN_ASTM = new Set(['inserts', 'appends', 'asks what follows']);

/** What may be done in a loop over segments, in each kind of body that is made of them. */
const inSegments = Object.entries(SEGMENTS).flatMap(([kind, [outer, inner]]): Tried[] => {
  const set = { set: `${inner}-4`, to: `field("${inner}-3") + field("${outer}[1]-3")` };
  const missing = kind === 'astm' ? 'Z-2' : 'ZZZ-2';
  const size = `string(size(following("${inner}")))`;
  const each = (...steps: readonly unknown[]): unknown => ({ each: inner, steps });
  return [
    ['sets', copying(each(set))],
    ['inserts', copying(each({ insert: inner, fields: { 3: '"x"' } }))],
    ['appends', copying(each({ append: inner, fields: { 3: `field("${missing}")` } }))],
    ['removes', copying(each({ remove: inner }))],
    ['sets in loops', copying({ each: outer, steps: [each(set)] })],
    ['removes in loops', copying({ each: outer, steps: [each({ remove: inner })] })],
    ['asks what follows', copying({ each: outer, steps: [{ set: `${outer}-5`, to: size }] })],
  ]
    .filter(([name]) => kind !== 'astm' || !NOT_IN_ASTM.has(name as string))
    .map(([name, given]) => [name as string, kind as BodyKind, given]);
});

const eachOrder = (...steps: readonly unknown[]): unknown => ({ each: '/orders', steps });
const eachResult = (...steps: readonly unknown[]): unknown => ({ each: '/report/result', steps });
const eachRow = (...steps: readonly unknown[]): unknown => ({ each: 'rows', steps });
const eachClaim = (...steps: readonly unknown[]): unknown => ({ each: '2300', steps });

const inLists: readonly Tried[] = [
  [
    'sets in loops of a guide',
    'x12',
    copying(eachClaim({ set: 'CLM-2', to: 'field("CLM-1")' }, { set: 'K3-1', to: '"x"' })),
  ],
  ['removes loops of a guide', 'x12', copying(eachClaim({ remove: '2300' }))],
  [
    'goes over loops in loops',
    'x12',
    copying(eachClaim({ each: '2400', steps: [{ set: 'SV1-2', to: '"x"' }] })),
  ],
  [
    'sets',
    'json',
    copying(eachOrder({ set: '/orders/*/code', to: 'string(field("/orders/*/id"))' })),
  ],
  [
    'makes',
    'json',
    making(TYPES.json, eachOrder({ set: '/orders/*/code', to: 'field("/orders/*/code")' })),
  ],
  ['removes', 'json', copying(eachOrder({ remove: '/orders/*' }))],
  ['appends', 'json', copying(eachOrder({ set: '/made/-', to: 'field("/orders/*/code")' }))],
  [
    'sets in loops',
    'json',
    copying({ each: '/orders/*/items', steps: [{ set: '/orders/*/items/*/v', to: '"x"' }] }),
  ],
  [
    'sets',
    'xml',
    copying(eachResult({ set: './value', to: 'field("./@code")' }, { set: './more', to: '"x"' })),
  ],
  ['removes', 'xml', copying(eachResult({ remove: '/report/result' }))],
  ['sets', 'delimited', copying(eachRow({ set: 'ward', to: 'field("mrn")' }))],
  ['removes', 'delimited', copying(eachRow({ remove: 'rows' }))],
  ['makes', 'delimited', making(TYPES.delimited, eachRow({ set: 'ward', to: 'field("mrn")' }))],
  ['makes FHIR', 'hl7', { toFhir: 'R4' }],
];

test.for([...inSegments, ...inLists])(
  'a transform %s: of a larger %s it takes longer in proportion',
  ([, kind, given]) => {
    const transform = transformOf(given);
    const make = (n: number) => inputOf(scopeOf(BODIES[kind](n), { type: TYPES[kind] }));
    const work = (input: ReturnType<typeof make>): unknown => {
      const made = transform.apply(input);
      return made instanceof Promise ? made : [...made];
    };
    expect(tooSteep({ make, work })).toBeUndefined();
  },
);

function recordsAndBack(bytes: Buffer): void {
  const { values } = atOnce(readingRecords(bytes, ROWS));
  const json = Buffer.from(JSON.stringify(values));
  writeRecords(documentOf(json, { type: TYPES.json, charset: undefined }), ROWS);
}

test('larger records are read and written in time in proportion', () => {
  const growing = { make: (n: number) => bodyOf('delimited', n), work: recordsAndBack };
  expect(tooSteep(growing)).toBeUndefined();
});

test.for<[BodyKind, string]>([
  ['hl7', 'OBR'],
  ['x12', '2300'],
  ['json', '/orders'],
  ['xml', '/report/result'],
  ['delimited', 'rows'],
  ['text', 'lines'],
])('a larger %s is split in time in proportion', ([kind, each]) => {
  const work = (bytes: Buffer): void => {
    const split = { each, size: 1, most: bytes.length, when: undefined, empty: undefined };
    const parts = partsOf(documentOf(bytes, reading(kind)), split);
    for (let number = 1; number <= parts.count; number++) parts.make([number]).bytes();
  };
  expect(tooSteep({ make: (n) => bodyOf(kind, n), work })).toBeUndefined();
});

describe('a body of an odd shape takes time in proportion to its size:', () => {
  test.for(Object.entries(HOSTILE))('%s', ([, [kind, make]]) => {
    const [first, , , every] = PATHS[kind];
    const mask = fieldMask(MASKED_PATHS);
    const fields = searchFields(new Map(Object.entries({ first, every, repeated: 'PID-3' })));
    const work = (bytes: Buffer): void => {
      const body = { bytes, reading: reading(kind) };
      for (const doing of [
        () => validate(documentOf(bytes, reading(kind)), 'full'),
        () => documentOf(bytes, reading(kind)).all(every),
        () => mask(bytes, reading(kind)),
        () => fields(bytes, reading(kind)),
        () => contentDiff(body, body),
        () => shownAs(kind, bytes),
      ]) {
        refusedOr(doing);
      }
    };
    expect(tooSteep({ make: (n) => Buffer.from(make(n), 'latin1'), work })).toBeUndefined();
  });

  test('elements without an end, laid out', () => {
    expect(tooSteep({ make: (n) => '<a>t'.repeat(n), work: indentedXml })).toBeUndefined();
  });

  test.for<[string, unknown]>([
    ['sets', { set: 'PID-3.4', to: 'field("PID-3.1")' }],
    ['removes', { remove: 'PID-3' }],
    ['inserts', { insert: 'ZZZ', fields: { 1: 'field("PID-3")' } }],
  ])('a transform %s in each repetition of one field', ([, step]) => {
    const transform = transformOf(copying({ each: 'PID-3', steps: [step] }));
    const growing = {
      make: (n: number) => inputOf(scopeOf(repeated(n), { type: TYPES.hl7 })),
      work: (input: Parameters<typeof transform.apply>[0]) => transform.apply(input),
    };
    expect(tooSteep(growing, ONE_TEXT)).toBeUndefined();
  });

  test.for<[string, string, string]>([
    ['matches', 'string(field("PID-3").matches("(a+)+$"))', 'a'],
    ['matches a choice', 'string(field("PID-3").matches("^(a|a)*$"))', 'a'],
    ['splits', 'string(size(field("PID-3").split("a")))', 'a'],
    ['capitalizes', 'upper(field("PID-3"))', 'a'],
  ])('an expression %s a long value', ([, source, what]) => {
    const make = (n: number) => scopeOf(hl7With(what.repeat(n)), { type: TYPES.hl7 });
    expect(tooSteep({ make, work: (scope) => valueOf(source, scope) })).toBeUndefined();
  });
});

const repeated = (n: number): string => HOSTILE['repetitions of one field']?.[1](n) ?? '';

const hl7With = (value: string): string => `MSH|^~\\&|A|B\rPID|1||${value}b\r`;

/** Being refused is an answer too. */
function refusedOr(doing: () => unknown): void {
  try {
    doing();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
  }
}
