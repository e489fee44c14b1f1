import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { documentOf } from '../../../src/document/document-of.ts';
import { Given } from '../../../src/expression/given.ts';
import { readRecordMap } from '../../../src/transform/records/read-record-map.ts';
import { recordTransforms } from '../../../src/transform/records/record-transforms.ts';
import { sampleMap } from '../../../src/transform/records/sample-map.ts';
import type { TransformOutput } from '../../../src/transform/transform.ts';
import { noKeys } from '../../support/no-keys.ts';
import { processorTime } from '../../support/processor-time.ts';
import { envelope, environment, NOW } from '../../support/subject-message.ts';

function mapOf(value: unknown): {
  readonly problems: string[];
  readonly map: ReturnType<typeof readRecordMap>;
} {
  const problems: string[] = [];
  const map = readRecordMap(
    new Given(value, [], {
      environment,
      problem: (path, text) => problems.push(`${path.join('.')}: ${text}`),
      unknown: () => undefined,
    }),
  );
  return { problems, map };
}

/** What one of the three transforms of a map makes of a body. */
async function made(
  value: unknown,
  what: 'read' | 'write' | 'bad',
  body: string | Uint8Array,
): Promise<TransformOutput[]> {
  const { problems, map } = mapOf(value);
  expect(problems).toEqual([]);
  const transform = recordTransforms('p', map).find(({ name }) => name === `p.${what}`);
  const type = what === 'write' ? 'application/json' : 'text/plain';
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const input = {
    message: envelope({ type }),
    document: documentOf(bytes, { type }),
    lookup: () => '',
    now: () => NOW,
    jwt: noKeys,
  };
  return (await transform?.apply(input)) ?? [];
}

const read = async (value: unknown, body: string | Uint8Array): Promise<unknown> =>
  JSON.parse(Buffer.from((await made(value, 'read', body))[0]?.body ?? []).toString());
const written = async (value: unknown, body: unknown): Promise<string> =>
  Buffer.from((await made(value, 'write', JSON.stringify(body)))[0]?.body ?? []).toString('latin1');

/** Why a body is not written. */
const wrong = (body: unknown): Promise<string> =>
  written(DELIMITED, body).then(
    () => 'written',
    (error: unknown) => String(error),
  );

const DELIMITED = {
  delimiter: ';',
  bad: 'set-aside',
  records: {
    header: { when: 'H', at: 'first', fields: ['kind', { name: 'sent', type: 'date' }] },
    detail: {
      when: 'D',
      fields: [
        'kind',
        { name: 'mrn', required: true },
        { name: 'born', type: 'date', format: 'dd.MM.yyyy' },
        { name: 'sum', type: 'decimal', decimals: 2 },
      ],
    },
    trailer: {
      when: 'T',
      at: 'last',
      fields: ['kind', { name: 'count', type: 'integer', counts: 'detail' }],
    },
  },
};

const SAMPLE = 'H;20260131\nD;0007;31.12.1970;1250\nD;8;;\nT;2\n';

const VALUES = {
  header: { kind: 'H', sent: '2026-01-31' },
  detail: [
    { kind: 'D', mrn: '0007', born: '1970-12-31', sum: 12.5 },
    { kind: 'D', mrn: '8', born: null, sum: null },
  ],
  trailer: { kind: 'T', count: 2 },
};

describe('delimited', () => {
  test('header, details and trailer, read and written again byte for byte', async () => {
    expect(await read(DELIMITED, SAMPLE)).toEqual(VALUES);
    expect(await written(DELIMITED, VALUES)).toBe(SAMPLE);
  });

  test('a trailer counts by itself, and a kind writes its own mark', async () => {
    const body = { header: { sent: '2026-01-31T10:00:00' }, detail: [{ mrn: '7' }] };
    expect(await written(DELIMITED, body)).toBe('H;20260131\nD;7;;\nT;1\n');
  });

  test('nothing is left out in silence: a name that no kind has, a kind that is no list', async () => {
    const header = { sent: '2026-01-31' };
    expect(await wrong({ header, details: [{ mrn: '7' }] })).toContain(
      '/details is no kind of record; there are header, detail, trailer',
    );
    expect(await wrong({ header, detail: '' })).toContain('/detail must be a list');
    expect(await wrong({ header, detail: { mrn: '7' } })).toContain('/detail must be a list');
    expect(await wrong({ header: [header], detail: [] })).toContain('/header must be an object');
    expect(await wrong([{ mrn: '7' }])).toContain('the body is no object with the kinds of record');
    expect(await wrong({ header, source: 'x', bad: [{ line: 3 }], detail: null })).toBe('written');
  });

  test('a byte order mark, CRLF and LF mixed, blank lines, quotes and line ends in them', async () => {
    const body = '\uFEFFH;20260131\r\n\r\nD;"a;""b\nc";;\nT;1';
    expect(await read(DELIMITED, body)).toMatchObject({ detail: [{ mrn: 'a;"b\nc' }] });
  });

  test('bad records stand aside with line and reason, and are counted', async () => {
    const body = 'H;20260131\nD;"a\nb";;\nD;;;\nX;1\nD;7;30.02.1970;\nD;7;;;;\nT;5\n';
    expect(await read(DELIMITED, body)).toMatchObject({ detail: [{ mrn: 'a\nb' }] });
    const [bad] = await made(DELIMITED, 'bad', body);
    expect(JSON.parse(Buffer.from(bad?.body ?? []).toString())).toEqual({
      bad: [
        { line: 4, reason: 'detail.mrn is required, but empty', text: 'D;;;' },
        { line: 5, reason: 'its kind is not in the map', text: 'X;1' },
        {
          line: 6,
          reason: 'detail.born is not a date of the form dd.MM.yyyy',
          text: 'D;7;30.02.1970;',
        },
        { line: 7, reason: 'it has 6 fields, but the map of detail has 4', text: 'D;7;;;;' },
      ],
    });
    expect(await made(DELIMITED, 'bad', SAMPLE)).toEqual([]);
  });

  test.each([
    ['an empty body', '', 'there is no header, as if it were truncated'],
    ['no trailer', 'H;20260131\nD;7;;\n', 'it ends without trailer'],
    [
      'a wrong count',
      'H;20260131\nD;7;;\nT;2\n',
      'line 3: trailer.count counts 2 of detail, but there are 1',
    ],
    [
      'something behind the trailer',
      `${SAMPLE}D;9;;\n`,
      'line 4: a trailer must be the last record, but this is not',
    ],
    ['two files in one', SAMPLE + SAMPLE, 'a trailer must be the last record'],
    [
      'a header that cannot be read',
      'H;SECRET\nT;0\n',
      'line 1: header.sent is not a date of the form yyyyMMdd',
    ],
    [
      'a quote left open',
      'H;20260131\nD;"SECRET\nT;1\n',
      'a quote opened on line 2 is never closed',
    ],
  ])('%s fails as a whole, and nothing is quoted', async (_, body, text) => {
    const error = await made(DELIMITED, 'read', body).catch((caught: Error) => caught);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain(text);
    expect((error as Error).message).not.toContain('SECRET');
  });

  test('with bad: suspend, the default, the first bad record fails the whole', async () => {
    await expect(
      made({ ...DELIMITED, bad: 'suspend' }, 'read', 'H;20260131\nD;;;\nT;1\n'),
    ).rejects.toThrow('Transform p.read: The record on line 2: detail.mrn is required');
  });

  test('columns by the names of the first line, in whatever order', async () => {
    const map = {
      names: true,
      records: { rows: { fields: [{ name: 'mrn', required: true }, 'ward'] } },
    };
    expect(await read(map, 'ward,mrn,x\nW,7,1\n')).toEqual({ rows: [{ mrn: '7', ward: 'W' }] });
    expect(await written(map, { rows: [{ mrn: '7', ward: 'a,b' }] })).toBe('mrn,ward\n7,"a,b"\n');
    expect(await read(map, '')).toEqual({ rows: [] });
  });

  test('one record of a million bytes, and a hundred thousand of them, are read at once', async () => {
    const long = 'x'.repeat(1_000_000);
    expect(await read(DELIMITED, `H;20260131\nD;${long};;\nT;1\n`)).toMatchObject({
      detail: [{ mrn: long }],
    });
    const started = processorTime();
    const many = `H;20260131\n${'D;7;31.12.1970;1250\n'.repeat(50_000)}T;50000\n`;
    expect(((await read(DELIMITED, many)) as { detail: unknown[] }).detail).toHaveLength(50_000);
    expect(processorTime() - started).toBeLessThan(5_000);
  });
});

describe('fixed width', () => {
  const FIXED = {
    format: 'fixed',
    charset: 'iso-8859-1',
    lineEnd: 'crlf',
    records: {
      head: { when: 'H', at: 'first', required: false, fields: [{ name: 'kind', width: 1 }] },
      row: {
        fields: [
          { name: 'number', type: 'integer', width: 5, pad: '0' },
          { name: 'name', width: 8 },
          { name: 'on', type: 'date', width: 8 },
        ],
      },
    },
  };

  test('read and written again, padded on the right side and in its charset', async () => {
    const body = Buffer.from('00042M\u00fcller  20260131\r\n00000        20260201\r\n', 'latin1');
    const values = {
      head: null,
      row: [
        { number: 42, name: 'M\u00fcller', on: '2026-01-31' },
        { number: 0, name: null, on: '2026-02-01' },
      ],
    };
    expect(await read(FIXED, body)).toEqual(values);
    expect(await written(FIXED, values)).toBe(body.toString('latin1'));
  });

  test.each([
    [{ row: [{ name: 'too long a name' }] }, '/row/0/name has 15 characters, but only 8 fit'],
    [{ row: [{ name: 'a\nb' }] }, 'a value contains a line end'],
    [{ row: [{ name: '\u20ac' }] }, 'a value has characters that iso-8859-1 cannot write'],
    [{ row: [{ number: 'x' }] }, '/row/0/number is not a whole number'],
  ])('what does not fit is refused: %j', async (values, text) => {
    await expect(written(FIXED, values)).rejects.toThrow(text);
  });

  test('a line that is longer than its map is bad', async () => {
    await expect(read(FIXED, `00042Doe     20260131XX`)).rejects.toThrow(
      'line 1: it has 23 characters, but the map of row has 21',
    );
  });
});

test('what is wrong with a map is told at its place', () => {
  expect(
    mapOf({
      format: 'fixed',
      records: {
        a: { fields: [{ name: 'x' }, { name: 'x', width: 1, type: 'money' }] },
        b: { fields: [{ name: 'n', width: 2, counts: 'c', format: 'yy' }] },
      },
      charset: 'klingon',
    }).problems,
  ).toEqual([
    'records.a.fields.0: x needs a width: its number of characters.',
    'records.a.fields.1.type: type must be text or integer or decimal or date.',
    'records.b.fields.0.format: the format of a date must have yyyy, MM and dd, and may have HH, mm and ss, such as dd.MM.yyyy.',
    'records.a: a has two fields named x.',
    'records.b: n counts c, which is not a kind of record here.',
    'records: a and b cannot be told apart. Give one a when: what its first field is.',
    'charset: There is no charset klingon.',
  ]);
});

test('a map is made from a sample, and reads it', async () => {
  const sample = 'mrn;name;born;sum;n\n0007;Eve;31.12.1970;12,5;1\n0008;;01.01.1971;3;22\n';
  const text = sampleMap(Buffer.from(sample));
  expect(text.split('\n').slice(1)).toEqual([
    'delimiter: ";"',
    'names: true',
    'records:',
    '  detail:',
    '    fields:',
    '      - { name: "mrn", required: true }',
    '      - { name: "name" }',
    '      - { name: "born", type: date, format: "dd.MM.yyyy", required: true }',
    '      - { name: "sum", type: decimal, required: true }',
    '      - { name: "n", type: integer, required: true }',
    '',
  ]);
  expect(await read(parse(text), sample)).toMatchObject({
    detail: [{ mrn: '0007', born: '1970-12-31', sum: 12.5, n: 1 }, { name: null }],
  });
  expect(sampleMap(Buffer.from('1,2\n3,x\n'))).toContain(
    '{ name: "field1", type: integer, required: true }',
  );
  expect(() => sampleMap(Buffer.from('\n'))).toThrow('the sample has no records');
});
