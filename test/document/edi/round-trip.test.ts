import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EdiDocument, ediDocument } from '../../../src/document/edi/edi-document.ts';
import { ediTypeOf } from '../../../src/document/edi/edi-type.ts';
import { isEngineError } from '../../../src/error/engine-error.ts';
import { bytesOf, CLAIMS, REPORT } from '../../support/edi-samples.ts';
import { examples } from '../../support/examples.ts';

const characters = (text: string): string[] => Array.from(text);

/** Whatever may separate: control characters, signs, and signs beyond ASCII. */
const MARKS = [
  ...characters('*|~^:>!#$%&+;<=@[]{}?"\'`-_./,'),
  '\n',
  '\r',
  '\u001c',
  '\u001d',
  '\u001f',
  '§',
  '¦',
];

const marks = fc.shuffledSubarray(MARKS, { minLength: 5, maxLength: 5 });

const name = fc.stringMatching(/^[A-Z][A-Z\d]{1,2}$/).filter((one) => !/^(ISA|UN.|BIN)$/.test(one));

/** Text without any of the marks. */
const value = (used: readonly string[]): fc.Arbitrary<string> =>
  fc
    .string({ maxLength: 8, unit: fc.constantFrom(...characters('AZaz09 .,()ÄŁ漢'), ...MARKS) })
    .map((text) =>
      characters(text)
        .filter((one) => !used.includes(one))
        .join(''),
    );

/** An interchange of X12 in odd delimiters, with odd line ends. */
const x12 = marks.chain((used) => {
  const [field = '', repetition = '', component = '', terminator = ''] = used;
  const element = fc
    .array(fc.array(value(used), { maxLength: 3 }), { maxLength: 2 })
    .map((all) => all.map((parts) => parts.join(component)).join(repetition));
  const segment = fc
    .tuple(name, fc.array(element, { maxLength: 6 }))
    .map(([id, elements]) => [id, ...elements].join(field));
  const end = ['\n', '\r\n', ''].filter((one) => !used.some((mark) => one.includes(mark)));
  return fc
    .tuple(fc.array(segment, { maxLength: 12 }), fc.constantFrom('', ...end), fc.boolean())
    .map(([segments, lineEnd, isCut]) => {
      const isa = `ISA${field}00${field}${' '.repeat(10)}${field}00${field}${' '.repeat(10)}${field}ZZ${field}${'A'.padEnd(15)}${field}ZZ${field}${'B'.padEnd(15)}${field}260301${field}1200${field}${repetition}${field}00501${field}000000001${field}0${field}T${field}${component}`;
      const text = [isa, ...segments].join(terminator + lineEnd);
      return isCut ? text + terminator : text + terminator + lineEnd;
    });
});

/** An interchange of EDIFACT in odd delimiters. */
const edifact = marks.chain((used) => {
  const [component = '', field = '', release = '', repetition = '', terminator = ''] = used;
  const released = (text: string): string =>
    characters(text)
      .map((one) => (used.includes(one) ? release + one : one))
      .join('');
  const part = fc.string({
    maxLength: 8,
    unit: fc.constantFrom(...characters('AZ09 ä'), ...MARKS),
  });
  const element = fc
    .array(part, { maxLength: 3 })
    .map((parts) => parts.map(released).join(component));
  const segment = fc
    .tuple(name, fc.array(element, { maxLength: 5 }))
    .map(([id, elements]) => [id, ...elements].join(field));
  return fc.tuple(fc.array(segment, { maxLength: 12 }), fc.boolean()).map(([segments, four]) => {
    const version = four ? '4' : '3';
    const advice = `UNA${component}${field}.${release}${four ? repetition : ' '}${terminator}`;
    const first = ['UNB', `UNOW${component}${version}`, 'A', 'B'].join(field);
    return advice + [first, ...segments].map((one) => one + terminator).join('');
  });
});

/** The code of what was thrown; undefined if nothing was. Anything without a code of ours is thrown on. */
function problemOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isEngineError(error)) return error.code;
    throw error;
  }
}

const everything = (document: EdiDocument): void => {
  for (const segment of document.segments()) {
    for (let n = 1; n <= segment.fieldCount; n++) segment.all(`${segment.name}-${n}`);
    document.loopOf(segment.line);
  }
};

test.for([
  ['X12', x12],
  ['EDIFACT', edifact],
] as const)(
  '%s: parsed and written it is the same, whatever its delimiters are',
  ([, interchange]) => {
    fc.assert(
      fc.property(interchange, (text) => {
        const bytes = bytesOf(text);
        const document = ediDocument(bytes);
        everything(document);
        expect(Buffer.from(document.bytes()).toString()).toBe(text);
        const again = ediDocument(bytes);
        again.rewrite((line) => line);
        expect(Buffer.from(again.bytes()).toString()).toBe(text);
      }),
      { numRuns: examples(300) },
    );
  },
);

test('X12: a value is read as it was written, or refused', () => {
  const sound = fc.string({ maxLength: 12, unit: 'grapheme' });
  fc.assert(
    fc.property(x12, sound, (text, given) => {
      const document = ediDocument(bytesOf(text));
      const refused = problemOf(() => document.set('ZZZ-3.2', given));
      const read = ediDocument(document.bytes()).get('ZZZ-3.2');
      expect(refused ?? read).toBe(refused === undefined ? given : 'MESSAGE_INVALID');
    }),
  );
});

test('EDIFACT: any value is read as it was written', () => {
  fc.assert(
    fc.property(edifact, fc.string({ maxLength: 12, unit: 'grapheme' }), (text, given) => {
      const document = ediDocument(bytesOf(text));
      document.set('ZZZ-3.2', given);
      expect(ediDocument(document.bytes()).get('ZZZ-3.2')).toBe(given);
    }),
  );
});

test('whatever comes is read or refused by name', () => {
  const damaged = fc
    .tuple(
      fc.constantFrom(CLAIMS, REPORT),
      fc.array(fc.tuple(fc.nat(1_500), fc.string({ maxLength: 3, unit: 'binary' })), {
        maxLength: 6,
      }),
      fc.nat(1_700),
    )
    .map(([text, changes, length]) =>
      changes
        .reduce((now, [at, put]) => now.slice(0, at) + put + now.slice(at + put.length), text)
        .slice(0, length),
    );
  fc.assert(
    fc.property(damaged, (text) => {
      const bytes = Buffer.from(text, 'utf8');
      ediTypeOf(bytes);
      let written: Uint8Array | undefined;
      const refused = problemOf(() => {
        const document = ediDocument(bytes);
        everything(document);
        document.all('2300/2400/SV1-1.2');
        document.rewrite((line) => line);
        written = document.bytes();
      });
      expect(refused ?? 'DOCUMENT_UNREADABLE').toBe('DOCUMENT_UNREADABLE');
      expect(Buffer.from(written ?? bytes)).toEqual(bytes);
    }),
    { numRuns: examples(300) },
  );
});

/** Milliseconds of processor time; other tests share the machine. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const HEAD = CLAIMS.slice(0, CLAIMS.indexOf('ST*837'));

const read = (bytes: Uint8Array): number =>
  cost(() => {
    const document = ediDocument(bytes);
    document.all('2000B/2300/2400/SV1-2');
    document.all('HL-3');
    document.all('FTX-1');
    document.rewrite((line) => line);
    document.bytes();
  });

const released = (size: number): Uint8Array => bytesOf(`${REPORT}\r\nFTX+${'?'.repeat(size)}`);

test.for([
  ['segments without an element', 'CLM~'],
  ['segments that begin loops and say no more', 'HL~'],
  ['nothing but terminators', '~'],
  ['one segment without an end', 'A'],
  ['transaction sets without an end', 'ST*837*1*005010X222A1~'],
  ['interchanges without an end', 'GS*HC~'],
  ['trailers of nothing', 'SE*1*1~GE*1*1~IEA*1*1~'],
  ['claims', 'CLM*1*1~LX*1~SV1*HC:1*1~'],
] as const)('a large body of %s is read in time that grows with its size', ([, part]) => {
  const body = (size: number): Uint8Array =>
    bytesOf(
      `${HEAD}ST*837*0001*005010X222A1~HL*1**20~HL*2*1*22~${part.repeat(size / part.length)}`,
    );
  const [small, large] = [body(50_000), body(400_000)];
  read(small);
  const one = Math.max(read(small), 5);
  // eight times as much; a search to the end for each segment would cost sixty-four times
  expect(read(large)).toBeLessThan(one * 40);
});

test('released characters without end are read in time that grows with their number', () => {
  const one = Math.max(read(released(50_000)), 5);
  expect(read(released(400_000))).toBeLessThan(one * 40);
});
