import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ediDocument } from '../../../src/document/edi/edi-document.ts';
import { hl7Document } from '../../../src/document/hl7/hl7-document.ts';
import type { SegmentDocument } from '../../../src/document/segment/segment-document.ts';
import { examples } from '../../support/examples.ts';

/** A body as a plain list of segments, each a list of fields: the simplest thing that does the same. */
class Model {
  readonly separator: string;
  readonly end: string;
  readonly trailer: string;
  readonly lines: string[][];

  constructor(text: string, { separator, end, trailer }: Written) {
    this.separator = separator;
    this.end = end;
    this.trailer = trailer;
    this.lines = text
      .split(end)
      .slice(0, -1)
      .map((line) => line.split(separator));
  }

  get text(): string {
    const lines = this.lines.map((fields) => fields.join(this.separator) + this.end);
    return lines.join('');
  }

  named(name: string): string[][] {
    return this.lines.filter(([own]) => own === name);
  }

  append(line: string[]): void {
    const trailer = this.lines.findLastIndex(([name]) => name === this.trailer);
    this.lines.splice(trailer < 0 ? this.lines.length : trailer, 0, line);
  }
}

interface Written {
  readonly separator: string;
  readonly end: string;
  readonly trailer: string;
}

interface Pair {
  readonly document: SegmentDocument;
  readonly model: Model;
  /** What was read of both on the way. */
  readonly read: [document: string, model: string][];
}

type Change = (pair: Pair) => void;

const NAMES = ['REF', 'NTE', 'DTP'] as const;
const name = fc.constantFrom(...NAMES);
const at = fc.nat(2000);
const value = fc.constantFrom('A', 'B', '');

const one = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[index % Math.max(items.length, 1)];

/** The nth segment of a name in both. */
function chosen({ document, model }: Pair, own: string, index: number) {
  const segment = one(document.segments(own), index);
  const line = one(model.named(own), index);
  return segment === undefined || line === undefined ? undefined : { segment, line };
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(name, value).map(
    ([own, text]): Change =>
      ({ document, model }) => {
        document.append(own, { 2: text });
        model.append(text === '' ? [own] : [own, '', text]);
      },
  ),
  fc.tuple(name, at, name).map(
    ([own, index, added]): Change =>
      (pair) => {
        const place = chosen(pair, own, index);
        if (place === undefined) return;
        pair.document.insertAfter(place.segment, added);
        pair.model.lines.splice(pair.model.lines.indexOf(place.line) + 1, 0, [added]);
      },
  ),
  fc.tuple(name, at, name).map(
    ([own, index, added]): Change =>
      (pair) => {
        const place = chosen(pair, own, index);
        if (place === undefined) return;
        pair.document.insertBefore(place.segment, added, { 1: 'X' });
        pair.model.lines.splice(pair.model.lines.indexOf(place.line), 0, [added, 'X']);
      },
  ),
  // what comes after a segment that was removed comes where it was
  fc.tuple(name, at, fc.boolean()).map(
    ([own, index, replace]): Change =>
      (pair) => {
        const place = chosen(pair, own, index);
        if (place === undefined) return;
        place.segment.remove(own);
        const where = pair.model.lines.indexOf(place.line);
        pair.model.lines.splice(where, 1);
        if (!replace) return;
        pair.document.insertAfter(place.segment, 'ZZZ');
        pair.model.lines.splice(where, 0, ['ZZZ']);
      },
  ),
  fc.tuple(name, at, value).map(
    ([own, index, text]): Change =>
      (pair) => {
        const place = chosen(pair, own, index);
        if (place === undefined || place.line.length < 3) return;
        place.segment.set(`${own}-2`, text);
        place.line[2] = text;
      },
  ),
  fc.tuple(name, at).map(
    ([own, index]): Change =>
      ({ document, model, read }) => {
        const n = (index % 5) + 1;
        read.push([document.get(`${own}[${n}]-2`), model.named(own)[n - 1]?.[2] ?? '']);
        read.push([String(document.segmentCount(own)), String(model.named(own).length)]);
      },
  ),
  fc.constantFrom('ZZZ', 'NTE').map(
    (own): Change =>
      ({ document, model }) => {
        document.remove(own);
        const kept = model.lines.filter(([first]) => first !== own);
        model.lines.splice(0, model.lines.length, ...kept);
      },
  ),
);

const X12_HEAD =
  'ISA*00*          *00*          *ZZ*S              *ZZ*R              *260101*1200*^*00501*000000001*0*P*:~GS*HC*S*R*20260101*1200*1*X*005010X222A1~';

/** `lines`: as many segments as are kept in several runs. */
const bodies = (lines: number): { text: string; written: Written }[] => [
  {
    text: `MSH|^~\\&|A|B\r${'REF|1|a\rDTP|1|b\r'.repeat(lines / 2)}`,
    written: { separator: '|', end: '\r', trailer: '' },
  },
  {
    // the counts in its trailers are right again at the end
    text: `${X12_HEAD}ST*999*1~${'REF*1*a~DTP*1*b~'.repeat(lines / 2)}SE*${lines + 2}*1~GE*1*1~IEA*1*1~`,
    written: { separator: '*', end: '~', trailer: 'SE' },
  },
];

function recount({ lines }: Model): void {
  const set = lines.findIndex(([own]) => own === 'ST');
  const end = lines.findIndex(([own]) => own === 'SE');
  if (set >= 0) lines[end] = ['SE', String(end - set + 1), '1'];
}

test.each([4, 1100])('changes to %i segments give what a plain list gives', (lines) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies(lines)),
      fc.array(change, { maxLength: lines < 10 ? 30 : 12 }),
      fc.nat(600),
      ({ text, written }, changes, burst) => {
        const document =
          written.trailer === '' ? hl7Document(Buffer.from(text)) : ediDocument(Buffer.from(text));
        const pair: Pair = { document, model: new Model(text, written), read: [] };
        for (const [index, step] of changes.entries()) {
          step(pair);
          // many at one place, so that what is kept together is divided
          if (index === 3) for (let n = 0; n < (lines < 10 ? 2 : burst); n++) changes[0]?.(pair);
        }
        recount(pair.model);
        for (const [got, expected] of pair.read) expect(got).toBe(expected);
        expect(document.text()).toBe(pair.model.text);
        expect(Buffer.from(document.bytes()).toString('latin1')).toBe(pair.model.text);
      },
    ),
    { numRuns: examples(lines < 10 ? 200 : 40) },
  );
});
