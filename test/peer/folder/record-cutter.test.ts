import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { expect, test } from 'vitest';
import { type Cut, RecordCutter } from '../../../src/peer/folder/record-cutter.ts';
import { examples } from '../../support/examples.ts';

async function cut(
  text: string,
  given: Partial<Cut> = {},
  { skip = 0, chunk = 5 }: { readonly skip?: number; readonly chunk?: number } = {},
): Promise<(readonly [body: string, upTo: number])[]> {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, at) =>
    bytes.subarray(at * chunk, (at + 1) * chunk),
  );
  const cutter = new RecordCutter({ every: 2, header: 1, quotes: true, ...given }, skip);
  const parts: (readonly [string, number])[] = [];
  for await (const { body, upTo } of cutter.parts(chunks)) {
    parts.push([Buffer.from(body).toString(), upTo]);
  }
  return parts;
}

test.for<[what: string, text: string, given: Partial<Cut>, parts: [string, number][]]>([
  [
    'lines under their header',
    'h\n1\n2\n3\n',
    {},
    [
      ['h\n1\n2\n', 2],
      ['h\n3\n', 3],
    ],
  ],
  [
    'no header',
    '1\n2\n3',
    { header: 0 },
    [
      ['1\n2\n', 2],
      ['3', 3],
    ],
  ],
  [
    'two header lines, CRLF',
    'a\r\nb\r\n1\r\n2\r\n',
    { header: 2, every: 1 },
    [
      ['a\r\nb\r\n1\r\n', 1],
      ['a\r\nb\r\n2\r\n', 2],
    ],
  ],
  [
    'CR alone',
    'h\r1\r2\r3',
    {},
    [
      ['h\r1\r2\r', 2],
      ['h\r3', 3],
    ],
  ],
  [
    'blank lines are no records, and stay',
    'h\n\n1\n \n2\n3\n\n',
    {},
    [
      ['h\n\n1\n \n2\n', 2],
      ['h\n3\n\n', 3],
    ],
  ],
  [
    'a line end in quotes',
    'h\n1;"a\nb"\n2;"say ""x\n"""\n3\n',
    {},
    [
      ['h\n1;"a\nb"\n2;"say ""x\n"""\n', 2],
      ['h\n3\n', 3],
    ],
  ],
  [
    'a line end in quotes at the very beginning, behind a byte order mark',
    '\uFEFF"a\nb";c\n1;2\n3;4\n',
    { every: 1 },
    [
      ['\uFEFF"a\nb";c\n1;2\n', 1],
      ['\uFEFF"a\nb";c\n3;4\n', 2],
    ],
  ],
  [
    'a quote inside a value is none',
    'h\n5" screw\n7" nail\n1\n',
    {},
    [
      ['h\n5" screw\n7" nail\n', 2],
      ['h\n1\n', 3],
    ],
  ],
  [
    'quotes that mean nothing',
    'h\n"1\n2\n',
    { every: 1, quotes: false },
    [
      ['h\n"1\n', 1],
      ['h\n2\n', 2],
    ],
  ],
  ['nothing but a header', 'h\n', {}, [['h\n', 1]]],
  ['less than its header', 'h\n', { header: 3 }, [['h\n', 1]]],
])('%s', async ([, text, given, parts]) => {
  for (const chunk of [1, 2, 3, 1000]) expect(await cut(text, given, { chunk })).toEqual(parts);
});

test('it goes on behind the records that were delivered, also with another size', async () => {
  expect(await cut('h\n1\n2\n3\n4\n5\n', { every: 3 }, { skip: 2 })).toEqual([['h\n3\n4\n5\n', 5]]);
  expect(await cut('h\n1\n2\n', {}, { skip: 2 })).toEqual([]);
});

test('each record is in one part, however the file comes in', async () => {
  const record = array(constantFrom('a', '1', '"', ',', ';', ' ', 'ü', '""'), {
    minLength: 1,
  });
  await assert(
    asyncProperty(
      array(record, { minLength: 1, maxLength: 20 }),
      constantFrom('\n', '\r\n', '\r'),
      integer({ min: 1, max: 7 }),
      async (records, lineEnd, size) => {
        const text = records.map((one) => `x${one.join('')}${lineEnd}`).join('');
        const given = { header: 0, every: 1 + (size % 3), quotes: size > 3 };
        const parts = await cut(text, given, { chunk: size });
        expect(parts.map(([body]) => body).join('')).toBe(text);
        expect(parts).toEqual(await cut(text, given, { chunk: 1000 }));
      },
    ),
    { numRuns: examples() },
  );
});

test('what cannot be cut is refused with what to do', async () => {
  const long = 'x'.repeat(1024 * 1024);
  const lines = `h\n${`${long}\n`.repeat(33)}`;
  await expect(cut(lines, { every: 100 }, { chunk: 1024 * 1024 })).rejects.toThrow(
    'Its records make a message of more than 32 MB. Write a smaller every.',
  );
  await expect(cut(`h\n"${lines}`, { every: 1 }, { chunk: 1024 * 1024 })).rejects.toThrow(
    'A quote is not closed; with quotes: false a line end always ends a record.',
  );
  const utf16 = new RecordCutter({ every: 1, header: 0, quotes: true });
  for (const text of ['\uFEFFa\nb\n', 'a\nb\n']) {
    const bytes = Buffer.from(text, 'utf16le');
    await expect(utf16.parts([bytes]).next()).rejects.toThrow('UTF-16');
    await expect(utf16.parts([bytes.swap16()]).next()).rejects.toThrow('UTF-16');
  }
});
