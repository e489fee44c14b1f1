import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EdiDocument, ediDocument } from '../../../src/document/edi/edi-document.ts';
import { EdiLoops } from '../../../src/document/edi/edi-loops.ts';
import type { Loop } from '../../../src/document/edi/loop.ts';
import { CLAIMS } from '../../support/edi-samples.ts';
import { examples } from '../../support/examples.ts';

type Document = ReturnType<typeof ediDocument>;
type Change = (document: Document) => void;

const claims = (count: number): string => {
  const claim = 'CLM*C*150~REF*G1*A~HI*ABK:J0300~LX*1~SV1*HC:99213~REF*6R*1~LX*2~SV1*HC:99214~';
  const head = CLAIMS.slice(0, CLAIMS.indexOf('ST*837'));
  const set = `ST*837*0001*005010X222A1~BHT*0019~NM1*41*2*S~NM1*40*2*R~HL*1**20~NM1*85*2*P~HL*2*1*22~SBR*P~NM1*IL*1*X~`;
  return `${head}${set}${claim.repeat(count)}SE*1*0001~GE*1*1~IEA*1*000000001~`;
};

const NAMES = ['REF', 'HI', 'LX', 'SV1', 'NM1', 'CLM', 'N3', 'HL', 'SE', 'ST', 'ZZZ'] as const;
const LOOPS = ['2300', '2400', '2010BA', '2000B', '2310A', 'ST'] as const;
const place = fc.nat(40);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...NAMES)).map(
    ([at, name]): Change =>
      (document) => {
        const segment = document.segments()[at];
        if (segment !== undefined) document.insertAfter(segment, name);
      },
  ),
  fc.tuple(place, fc.constantFrom(...NAMES)).map(
    ([at, name]): Change =>
      (document) => {
        const segment = document.segments()[at];
        if (segment !== undefined) document.insertBefore(segment, name, { 1: '82' });
      },
  ),
  fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('82', 'IL', '22')).map(
    ([name, value]): Change =>
      (document) => {
        document.append(name, name === 'HL' ? { 3: value } : { 1: value });
      },
  ),
  place.map(
    (at): Change =>
      (document) => {
        const segment = document.segments()[at];
        segment?.remove(segment.name);
      },
  ),
  fc
    .tuple(
      place,
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('82', 'IL', '20', '22', '85', 'Q'),
    )
    .map(
      ([at, field, value]): Change =>
        (document) => {
          const segment = document.segments()[at];
          segment?.set(`${segment.name}-${field}`, value);
        },
    ),
  fc.tuple(place, fc.integer({ min: 1, max: 3 })).map(
    ([at, field]): Change =>
      (document) => {
        const segment = document.segments()[at];
        segment?.remove(`${segment.name}-${field}`);
      },
  ),
  fc.tuple(fc.constantFrom(...LOOPS), fc.nat(3)).map(
    ([id, n]): Change =>
      (document) => {
        document.remove(`${id}[${n + 1}]`);
      },
  ),
  fc.tuple(fc.constantFrom(...LOOPS), fc.nat(3)).map(
    ([id, n]): Change =>
      (document) => {
        const loop = document.loops(id)[n];
        if (loop !== undefined) loop.set('REF-2', 'X');
      },
  ),
);

const shape = ({ id, from, until, loops }: Loop): unknown => [id, from, until, loops.map(shape)];

/** A body whose loops can be found again. */
class Opened extends EdiDocument {
  again(): EdiLoops {
    return EdiLoops.of(this.list, this.syntax);
  }
}

function opened(text: string): Opened {
  return new Opened({ text, raw: undefined, charset: undefined, given: undefined });
}

test('loops that are adjusted to changes are those that would be found again', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const document = opened(claims(3));
      for (const one of changes) {
        // asked for between any two changes, so that there is something to adjust
        for (const line of document.lines()) document.found.at(line);
        one(document);
        const { found } = document;
        const again = document.again();
        const lines = found.numbered();
        expect(lines).toEqual(again.numbered());
        expect(shape(found.root)).toEqual(shape(again.root));
        for (const line of lines) expect(found.at(line)?.first).toBe(again.at(line)?.first);
      }
    }),
    { numRuns: examples(400) },
  );
});

/** Microseconds of processor time that writing into every claim takes. */
function took(count: number): number {
  const document = ediDocument(Buffer.from(claims(count)));
  const before = process.cpuUsage();
  for (const claim of document.loops('2300')) claim.set('CLM-2', '151');
  document.bytes();
  return process.cpuUsage(before).user;
}

test('a transform over every claim takes time in proportion to their number', () => {
  took(500);
  const few = Math.min(took(500), took(500));
  // ten times as many took a hundred times as long when every value made the loops be found again
  expect(Math.min(took(5000), took(5000))).toBeLessThan(Math.max(few, 2000) * 40);
});
