import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lookupTables } from '../../src/lookup/file-tables.ts';

async function folder(): Promise<
  AsyncDisposable & { file(name: string, text: string | Uint8Array): Promise<string> }
> {
  const path = await mkdtemp(join(tmpdir(), 'waybill-lookup-'));
  return {
    async file(name, text) {
      const file = join(path, name);
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

test('a key gives its value, another one the given or the empty text', async () => {
  await using files = await folder();
  const wards = await files.file('wards.csv', 'W1,Ward One\nW2,"Ward ""Two"", north"\n');
  const tables = await lookupTables(new Map([['wards', wards]]));
  expect(tables.problems).toEqual([]);
  expect(tables.names).toEqual(['wards']);
  expect(tables.lookup('wards', 'W1')).toBe('Ward One');
  expect(tables.lookup('wards', 'W2')).toBe('Ward "Two", north');
  expect(tables.lookup('wards', 'W3')).toBe('');
  expect(tables.lookup('wards', 'W3', 'UNKNOWN')).toBe('UNKNOWN');
  expect(tables.lookup('wards', 'constructor')).toBe('');
});

test.for([
  ['a header that names the columns', 'note,Value,KEY\nx,Ward One,W1\n'],
  ['no header', 'W1,Ward One,a note\n'],
  ['a header that is a comment', '# key,value\n\nW1,Ward One\n'],
  ['semicolons', 'W1;Ward One\n'],
  ['tabs', 'W1\tWard One\n'],
  ['a byte order mark and CRLF', '\uFEFFW1,Ward One\r\n'],
  ['blanks around the values', ' W1 , Ward One \n'],
] as const)('a table with %s is read', async ([, text]) => {
  await using files = await folder();
  const tables = await lookupTables(new Map([['wards', await files.file('wards.csv', text)]]));
  expect(tables.problems).toEqual([]);
  expect(tables.lookup('wards', 'W1')).toBe('Ward One');
});

test('an empty file is a mistake, a table without rows is none', async () => {
  await using files = await folder();
  const whatIsWrong = async (text: string): Promise<readonly string[]> => {
    const { problems } = await lookupTables(new Map([['t', await files.file('t.csv', text)]]));
    return problems.map(({ what }) => what);
  };
  expect(await whatIsWrong('')).toEqual(['the file is empty']);
  expect(await whatIsWrong('\uFEFF\r\n')).toEqual(['the file is empty']);
  expect(await whatIsWrong('key,value\n')).toEqual([]);
  expect(await whatIsWrong('# none yet\n')).toEqual([]);
});

test('repeated keys and lines without a value are problems with file and line', async () => {
  await using files = await folder();
  const file = await files.file('wards.csv', 'key,value\nW1,a\nW2\nW1,b\n,c\n');
  const { problems } = await lookupTables(new Map([['wards', file]]));
  expect(problems).toMatchObject([
    { table: 'wards', file, line: 3, what: 'the line has a key and no value' },
    { table: 'wards', file, line: 4, what: 'the key W1 is already in line 2' },
    { table: 'wards', file, line: 5, what: 'the key is empty' },
  ]);
});

test.for([
  ['an open quote', 'W1,"never closed\nW2,x\n', /quote/],
  ['bytes that are not UTF-8', Uint8Array.from([0x57, 0x2c, 0xff, 0x0a]), /UTF-8/],
] as const)('a file with %s is a problem', async ([, text, what]) => {
  await using files = await folder();
  const { problems } = await lookupTables(new Map([['wards', await files.file('w.csv', text)]]));
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toMatch(what);
});

test('a missing file is a problem of its table', async () => {
  const { problems } = await lookupTables(new Map([['wards', '/nowhere/wards.csv']]));
  expect(problems).toMatchObject([{ table: 'wards', line: 1, what: 'the file does not exist' }]);
});

test('an unknown table is an error that names the nearest one', async () => {
  await using files = await folder();
  const tables = await lookupTables(new Map([['wards', await files.file('w.csv', 'a,b\n')]]));
  expect(() => tables.lookup('wrads', 'a')).toThrow(
    expect.objectContaining({
      code: 'EXPRESSION_FAILED',
      message: expect.stringContaining('did you mean wards?'),
    }),
  );
});
